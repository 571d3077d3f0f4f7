"""The MARAC from referral to closed actions, as its people live it."""

from __future__ import annotations

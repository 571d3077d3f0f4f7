"""Mending: what an operator may do with an instance that has stopped, and what nobody may do to it.

:mod:`guard` says what a diagram reserves for people, :mod:`moves` where a token may go, :mod:`acts` does it,
:mod:`retrying` tries again, :mod:`elsewhere` is for what fails outside a step, :mod:`ending` ends and forgets.
"""

from __future__ import annotations

from app.runtime.mending.acts import Choices, Target, choices, correct, move, skip
from app.runtime.mending.elsewhere import raise_elsewhere, resolve
from app.runtime.mending.ending import cancel_instance, forget_case, set_variables
from app.runtime.mending.errors import MendingRefused
from app.runtime.mending.guard import Guard, guards_of
from app.runtime.mending.retrying import find_incident, retry_incident

__all__ = [
    "Choices",
    "Guard",
    "MendingRefused",
    "Target",
    "cancel_instance",
    "choices",
    "correct",
    "find_incident",
    "forget_case",
    "guards_of",
    "move",
    "raise_elsewhere",
    "resolve",
    "retry_incident",
    "set_variables",
    "skip",
]

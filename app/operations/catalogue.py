"""Every operation, registered by importing its module."""

from __future__ import annotations

from app.operations import conference, escalation, listing, people, research, states
from app.operations.registry import Registry, registry

MODULES = (people, states, listing, research, conference, escalation)


def operations() -> Registry:
    """The filled registry."""
    return registry

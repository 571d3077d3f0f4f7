"""Every operation, registered by importing its module."""

from __future__ import annotations

from app.operations import (
    actions,
    cancelling,
    circulation,
    conference,
    conflicts,
    escalation,
    inviting,
    keeping,
    listing,
    numbering,
    people,
    presiding,
    research,
    returns,
    states,
    telling,
)
from app.operations.registry import Registry, registry

MODULES = (
    people,
    states,
    listing,
    numbering,
    inviting,
    circulation,
    research,
    returns,
    conference,
    conflicts,
    keeping,
    actions,
    presiding,
    cancelling,
    telling,
    escalation,
)


def operations() -> Registry:
    """The filled registry."""
    return registry

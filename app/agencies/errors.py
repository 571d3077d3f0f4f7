"""What can go wrong with agencies and parameters."""

from __future__ import annotations

from app.errors import Invalid, NotFound


class UnknownAgency(NotFound):
    """No such agency in this area."""


class WrongParameter(Invalid):
    """A parameter value does not have the parameter's type, or the key is not registered."""

"""A form with the answers that were once given, read from what was kept and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.forms.context import Context
from app.forms.model import Component, Field, Form, Group, RepeatingGroup
from app.forms.paths import LABELS, find, has
from app.forms.posted import Answers
from app.forms.state import Place, Walk, stored_identities


def recorded(form: Form, clean: Answers, submitted: datetime) -> list[Place]:
    """The pages with what was asked then: what was kept was asked, what was not kept was hidden."""
    walk = _Recorded(clean, submitted)
    return [walk.page(page, number) for number, page in enumerate(form.pages)]


class _Recorded(Walk):
    def __init__(self, clean: Answers, submitted: datetime) -> None:
        super().__init__(clean, Context(now=submitted), clean, {})
        found = clean.get(LABELS)
        self.labels: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    def hides(self, component: Component, place: Place) -> bool:
        if isinstance(component, Field | RepeatingGroup):
            return not has(self.answers, place.path)
        return not isinstance(component, Group)

    def raw(self, component: Field, place: Place) -> Any:
        labels = self.labels.get(place.name)
        place.labels = labels if isinstance(labels, Mapping) else None
        return find(self.answers, place.path)

    def identities(self, group: RepeatingGroup, place: Place) -> list[tuple[str, dict[str, Any]]]:
        found = stored_identities(place, self.answers)
        for identity, _ in found:
            path = (*place.path, identity)
            self.rows[".".join(path)] = find(self.answers, path)
        return found

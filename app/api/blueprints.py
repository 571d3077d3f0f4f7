"""What every part of the API has in common: a bearer token, the errors, the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from flask import Response, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from app.api import problems
from app.api.bodies import Parser
from app.errors import NotFound
from app.identity.person import Person
from app.identity.service import current_person, person_from_bearer
from app.store.database import db, set_reading
from app.store.keys import key_in

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/v2"
ONLY_READS = "only_reads"


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """A part of the API. Every request must carry a bearer token, unless the part is public."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str, *, public: bool = False) -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=PREFIX, description=description)
        if not public:
            self.before_request(authenticate)
        problems.register(self)
        self.after_request(_bare)
        self._undescribed: list[Callable[[], None]] = []

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().route(rule, **options))

    def searching(self, rule: str) -> Callable[[View], View]:
        """A POST that only reads: no write lock is taken for it."""
        return self.route(rule, methods=["POST"], defaults={ONLY_READS: True})

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().arguments(schema, **options))

    def response(
        self, status: int, schema: type[Schema] | Schema | None = None, **options: Any
    ) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().response(status, schema, **options))

    def alt_response(self, status: int, **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().alt_response(status, **options))

    def uploads(self, part: str, *, several: bool) -> Callable[[View], View]:
        """Describe a request of files, as multipart form data in a part of that name."""
        one = {"type": "string", "contentMediaType": "application/octet-stream"}
        schema = {"type": "object", "properties": {part: {"type": "array", "items": one} if several else one}}
        body = {"required": True, "content": {"multipart/form-data": {"schema": {**schema, "required": [part]}}}}
        return cast("Callable[[View], View]", self.doc(requestBody=body))

    def _store_endpoint_docs(self, *endpoint: Any, **options: Any) -> None:
        """Kept as it is until somebody asks for the description of the API: it copies every schema."""
        self._undescribed.append(partial(super()._store_endpoint_docs, *endpoint, **options))

    def register_views_in_doc(self, api: Any, *where: Any, **options: Any) -> None:
        """The same: to be described."""
        api.later(partial(self._describe, api, *where, **options))

    def _describe(self, *where: Any, **options: Any) -> None:
        while self._undescribed:
            self._undescribed.pop(0)()
        super().register_views_in_doc(*where, **options)


def _bare(response: Response) -> Response:
    """What has no body has no type either."""
    if response.status_code == 204:
        response.headers.pop("Content-Type", None)
    return response


def authenticate() -> None:
    """Say whom the request is for.

    :raises SignInNeeded: no bearer token, or not a valid one.
    """
    # Whatever was read before is let go, so that a request that writes begins its transaction as a writer.
    db.session.rollback()
    if (request.view_args or {}).pop(ONLY_READS, False):
        set_reading(True)
    person_from_bearer()


def caller() -> Person:
    """The person whom the request is for."""
    return current_person()


def area_of(person: Person) -> int:
    """The area the person works in.

    :raises NotFound: none, so that there is nothing for them here.
    """
    if person.area_key is None:
        raise NotFound("You do not belong to an area.")
    return person.area_key


def key_of(text: str | None) -> int | None:
    """A key that need not be given. :raises NotFound: not a key."""
    return None if text is None else key_from(text)


def key_from(text: str) -> int:
    """A key in an address.

    :raises NotFound: not a key.
    """
    key = key_in(text)
    if key is None:
        raise NotFound("There is nothing of this key.")
    return key

"""Resources: the files of the published releases, and their forms."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select
from werkzeug.exceptions import NotAcceptable

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import search
from app.api.attributes import TENANT, Attribute, Kind, nothing, tenant
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.schemas import FormSchema, PageTold, SearchQuery, key, nullable_text
from app.api.search import Searchable
from app.errors import NotFound
from app.runtime import releases
from app.runtime.models import FileKind, Release, ReleaseFile
from app.store.database import db

blueprint = Blueprint("resources", "Published files")

SEARCHABLE = Searchable(
    attributes={
        "resourceKey": Attribute(ReleaseFile.key.expression, Kind.KEY),
        "resourceName": Attribute(ReleaseFile.name.expression),
        "resourceId": Attribute(ReleaseFile.name.expression),
        "version": Attribute(Release.number.expression, Kind.NUMBER),
        "versionTag": nothing(),
        "deploymentKey": Attribute(Release.key.expression, Kind.KEY),
        "tenantId": tenant(),
    },
    key=ReleaseFile.key.expression,
)


class Resource(Schema):
    resourceName = fields.String(required=True)
    version = fields.Integer(required=True)
    versionTag = nullable_text()
    resourceId = fields.String(required=True)
    tenantId = fields.String(required=True)
    resourceKey = key("The file's key")


class Resources(Schema):
    items = fields.List(fields.Nested(Resource), required=True)
    page = fields.Nested(PageTold, required=True)


def _visible() -> search.Query:
    """The files of the person's area. :raises NotAllowed: procedures are not theirs to read."""
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.PROCEDURE_READ, AreaFacts(area_key))
    query = select(ReleaseFile, Release.number).join(Release, Release.key == ReleaseFile.release_key)
    return query.where(Release.area_key == area_key)


def _find(file_key: str) -> tuple[ReleaseFile, int]:
    row = db.session.execute(_visible().where(ReleaseFile.key == key_from(file_key))).one_or_none()
    if row is None:
        raise NotFound("There is no such file.", resource_id=file_key)
    return row[0], row[1]


def _drawn(file: ReleaseFile, version: int) -> dict[str, Any]:
    return {
        "resourceName": file.name,
        "version": version,
        "versionTag": None,
        "resourceId": file.name,
        "tenantId": TENANT,
        "resourceKey": str(file.key),
    }


@blueprint.searching("/resources/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Resources)
def search_resources(asked: dict[str, Any]) -> dict[str, Any]:
    """Search resources: diagrams, decisions and forms. A file's version is the number of its release."""
    return search.run(_visible(), SEARCHABLE, asked).answer(lambda row: _drawn(*row))


@blueprint.route("/resources/<key>")
@blueprint.response(200, Resource)
def get_resource(key: str) -> dict[str, Any]:
    """Get a resource."""
    return _drawn(*_find(key))


@blueprint.route("/resources/<key>/content")
@blueprint.response(200, content_type="application/json", description="The form as it was published")
@blueprint.alt_response(406, description="It is not JSON: get it as bytes")
def get_content(key: str) -> Response:
    """Get the content of a resource that is JSON: a form."""
    file, _ = _find(key)
    if file.kind != FileKind.FORM:
        raise NotAcceptable
    return Response(releases.content(file), content_type="application/json")


@blueprint.route("/resources/<key>/content/binary")
@blueprint.response(200, content_type="application/octet-stream", description="The file as it was published")
def get_binary_content(key: str) -> Response:
    """Get the content of a resource as bytes."""
    return Response(releases.content(_find(key)[0]), content_type="application/octet-stream")


@blueprint.route("/forms/<key>")
@blueprint.response(200, FormSchema)
def get_form(key: str) -> dict[str, Any]:
    """Get a form by its key."""
    file, version = _find(key)
    if file.kind != FileKind.FORM:
        raise NotFound("There is no such form.", resource_id=key)
    return {
        "tenantId": TENANT,
        "formId": str(file.ids[0]),
        "schema": releases.content(file).decode(),
        "version": version,
        "formKey": str(file.key),
    }

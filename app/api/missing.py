"""Everything else under `/v2`: a problem in the API's own form, not a page, and only for those with a token."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint
from werkzeug.exceptions import NotFound

from app.api import problems
from app.api.blueprints import PREFIX, authenticate

blueprint = Blueprint("api_missing", __name__, url_prefix=PREFIX)
blueprint.before_request(authenticate)
problems.register(blueprint)


@blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def missing(rest: str) -> NoReturn:
    """There is nothing here, or not with this method."""
    raise NotFound

"""Styles and scripts, built by ``frontend/`` under names that carry a hash of their content, so that browsers may keep them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, abort, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"
KEEP = "public, max-age=31536000, immutable"

blueprint = Blueprint("web", __name__)


@lru_cache(maxsize=1)
def _manifest() -> dict[str, str]:
    path = FOLDER / "manifest.json"
    if not path.exists():
        return {}
    names: dict[str, str] = json.loads(path.read_text())
    return names


def built() -> bool:
    """Whether the front end has been built."""
    return bool(_manifest())


def asset(name: str) -> str:
    """The address of a built file, for instance ``app.css``."""
    return url_for("web.static", name=_manifest().get(name, name))


@blueprint.get("/static/<name>", endpoint="static")
def serve(name: str) -> Response:
    """A built file. Only names in the manifest are served."""
    if name not in _manifest().values():
        abort(404)
    response = send_from_directory(FOLDER, name, max_age=None)
    response.headers["Cache-Control"] = KEEP
    return response

"""Whom to sign in as, and tokens for scripts that act as demo people."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from app import devidp
from app.agencies.models import Agency
from app.demo.cast import everybody
from app.errors import NotAllowed, NotFound
from app.identity.models import RoleGrant, User
from app.identity.roles import role_title
from app.settings import Settings
from app.store.database import db

FIRST = ("rosa", "mark", "cora", "spoc.housing", "ida", "chidi", "petra", "gwen", "olive", "audrey", "oscar")


def _rows() -> list[dict[str, Any]]:
    agencies = {a.key: a.name for a in db.session.execute(select(Agency)).scalars()}
    order = {p.username: index for index, p in enumerate(everybody())}
    found = []
    roles: dict[int, list[str]] = {}
    for user_key, role in db.session.execute(
        select(RoleGrant.user_key, RoleGrant.role).where(RoleGrant.to_at.is_(None))
    ):
        roles.setdefault(user_key, []).append(role)
    for user in db.session.execute(select(User).where(User.active.is_(True))).scalars():
        found.append(
            {
                "username": user.username,
                "name": user.name,
                "roles": sorted(roles.get(user.key, [])),
                "agency": agencies.get(user.agency_key or 0),
            }
        )
    return sorted(found, key=lambda r: order.get(str(r["username"]), len(order)))


def as_json(app: Flask) -> list[dict[str, Any]]:
    """The demo people with client secrets, for scripts."""
    settings: Settings = app.config["SETTINGS"]
    _refuse_unless_demo(settings)
    return [{**row, "client_secret": devidp.client_secret(settings, str(row["username"]))} for row in _rows()]


def who_to_be() -> str:
    """A short table of whom to sign in as."""
    rows = {str(r["username"]): r for r in _rows()}
    lines = ["Sign in as (no password in the demo):"]
    for username in FIRST:
        if row := rows.get(username):
            roles = ", ".join(role_title(r) for r in row["roles"])
            place = f" · {row['agency']}" if row["agency"] else ""
            lines.append(f"  {username:<14} {row['name']} ({roles}{place})")
    lines.append(f"  … and {max(0, len(rows) - len(FIRST))} more: .venv/bin/convenor demo people")
    return "\n".join(lines)


def token_for(app: Flask, username: str) -> str:
    """An API bearer token for a demo person, from the development provider.

    :raises NotFound: nobody has that user name.
    """
    settings: Settings = app.config["SETTINGS"]
    _refuse_unless_demo(settings)
    answer = app.test_client().post(
        "/devidp/token",
        base_url=settings.base_url,
        data={
            "grant_type": "client_credentials",
            "client_id": username,
            "client_secret": devidp.client_secret(settings, username),
        },
    )
    if answer.status_code != 200 or not answer.is_json:
        raise NotFound(f"There is no demo person named {username}.", resource_id=username)
    return str(answer.get_json()["access_token"])


def _refuse_unless_demo(settings: Settings) -> None:
    if not settings.development_provider:
        raise NotAllowed("Demo people exist only in the demo.")

"""Entering an area, its agencies and its people from a file: how an installation begins, and how many are entered at once.

What is there already is left as it is: contacts, roles and names are changed under Manage, by people with a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import func, select

from app import audit
from app.agencies.models import Agency, Area, Tier
from app.errors import Invalid
from app.forms.addresses import ADDRESS, LONGEST_ADDRESS
from app.identity import register
from app.identity.models import RoleGrant, User
from app.identity.roles import Role, role_from_slug
from app.runtime.models import Release
from app.store.database import db, new_key

_OF_THE_INSTALLATION = frozenset({str(Role.OPERATOR), str(Role.AUDITOR)})
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*\Z"
_SHORT_NAME = "Must be a short name of small letters, digits and single hyphens."


def _text(longest: int) -> fields.String:
    shown = validate.Regexp(r"\S(.*\S)?\Z", error="Must be one line of text without spaces around it.")
    return fields.String(required=True, validate=validate.And(validate.Length(1, longest), shown))


def _slug(longest: int) -> list[Any]:
    return [validate.Length(1, longest), validate.Regexp(_SLUG, error=_SHORT_NAME)]


class _AreaSchema(Schema):
    slug = fields.String(required=True, validate=_slug(40))
    name = _text(120)


class _AgencySchema(Schema):
    slug = fields.String(required=True, validate=_slug(60))
    name = _text(160)
    kind = fields.String(required=True, validate=_slug(40))
    tier = fields.String(load_default=str(Tier.CORE), validate=validate.OneOf([str(tier) for tier in Tier]))


class _PersonSchema(Schema):
    username = _text(120)
    name = _text(200)
    email = fields.String(
        load_default=None,
        allow_none=True,
        validate=[
            validate.Length(1, LONGEST_ADDRESS),
            validate.Regexp(rf"(?:{ADDRESS.pattern})\Z", error="Must be an e-mail address."),
        ],
    )
    agency = fields.String(load_default=None, allow_none=True)
    roles = fields.List(fields.String(validate=validate.OneOf([str(role) for role in Role])), load_default=list)
    whole_installation = fields.Boolean(data_key="wholeInstallation", load_default=False)

    @validates_schema
    def _fits(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["whole_installation"]:
            if data["agency"] is not None or not set(data["roles"]) <= _OF_THE_INSTALLATION:
                raise ValidationError("Only operators and auditors without an agency are of the whole installation.")
        elif data["agency"] is None and any(role_from_slug(role).of_agency for role in data["roles"]):
            raise ValidationError("Needs an agency for this role.", "roles")


class _FileSchema(Schema):
    area = fields.Nested(_AreaSchema, required=True)
    agencies = fields.List(fields.Nested(_AgencySchema), load_default=list)
    people = fields.List(fields.Nested(_PersonSchema), load_default=list)


class SetUpRefused(Invalid):
    """The file is not right; nothing was entered. ``problems`` says where and what, a line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Nothing was entered, because the file is not right.")


@dataclass(frozen=True, slots=True)
class Entered:
    """What has been entered, and what was there already.

    :param co_ordinated: somebody is the area's MARAC Co-ordinator. :param published: the area has procedures.
    """

    area: str
    new_area: bool
    agencies: int
    people: int
    known: int
    co_ordinated: bool
    published: bool


def enter(said: object) -> Entered:
    """Enter what a file says and is not there yet, in the caller's transaction.

    :raises SetUpRefused: with every problem; nothing was entered.
    """
    try:
        data: dict[str, Any] = _FileSchema().load(said)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SetUpRefused(list(_lines(error.messages))) from None
    area = db.session.execute(select(Area).where(Area.slug == data["area"]["slug"])).scalar_one_or_none()
    agencies = _agencies_of(area)
    if problems := list(_problems(data, agencies)):
        raise SetUpRefused(problems)
    new_area = area is None
    if area is None:
        area = Area(key=new_key(), **data["area"])
        db.session.add(area)
        db.session.flush()
        audit.record("area.enter", subject=f"area:{area.key}")
    entered = 0
    for one in data["agencies"]:
        if one["slug"] not in agencies:
            row = Agency(key=new_key(), area_key=area.key, **one)
            db.session.add(row)
            audit.record("agency.enter", subject=f"agency:{row.key}")
            agencies[row.slug] = row.key
            entered += 1
    db.session.flush()
    new = sum(_person(one, area.key, agencies) for one in data["people"])
    return Entered(
        area=area.slug,
        new_area=new_area,
        agencies=entered,
        people=new,
        known=len(data["agencies"]) - entered + len(data["people"]) - new,
        co_ordinated=bool(register.holders(Role.MARAC_COORDINATOR, area_key=area.key)),
        published=bool(db.session.scalar(select(func.count()).where(Release.area_key == area.key))),
    )


def _agencies_of(area: Area | None) -> dict[str, int]:
    if area is None:
        return {}
    return {
        row.slug: row.key for row in db.session.execute(select(Agency).where(Agency.area_key == area.key)).scalars()
    }


def _person(said: Mapping[str, Any], area_key: int, agencies: Mapping[str, int]) -> bool:
    """Enter somebody, or give who has signed in already and has no place yet the first roles. False: they have one, or are shut out."""
    place = None if said["whole_installation"] else area_key
    agency = agencies.get(said["agency"])
    user = register.find_user(said["username"])
    if user is None:
        user = register.register_person(
            said["username"], said["name"], email=said["email"], agency_key=agency, area_key=place
        )
    elif not user.active or user.area_key is not None or _was_given_a_role(user):
        return False
    user.area_key, user.agency_key = place, agency
    for role in said["roles"]:
        register.grant_role(
            user.key, role, agency_key=agency if role_from_slug(role).of_agency else None, area_key=place
        )
    audit.record("person.enter", subject=f"user:{user.key}", detail=" ".join(said["roles"]))
    return True


def _was_given_a_role(user: User) -> bool:
    return db.session.execute(select(RoleGrant.key).where(RoleGrant.user_key == user.key)).first() is not None


def _problems(data: Mapping[str, Any], agencies: Mapping[str, int]) -> Iterator[str]:
    """What no single entry shows: doubles, and agencies that there are not."""
    for what, name in (("agencies", "slug"), ("people", "username")):
        for value, count in Counter(one[name] for one in data[what]).items():
            if count > 1:
                yield f"{what}: “{value}” is there {count} times."
    known = {*agencies, *(one["slug"] for one in data["agencies"])}
    for number, one in enumerate(data["people"], 1):
        if one["agency"] is not None and one["agency"] not in known:
            yield f"people, number {number}, agency: there is no agency “{one['agency']}” in the file or the area."


def _lines(messages: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Marshmallow's nested messages as lines that say where."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            here = f"number {key + 1}" if isinstance(key, int) else "" if key == "_schema" else str(key)
            yield from _lines(inner, (*path, here) if here else path)
    else:
        for message in messages:
            yield f"{', '.join(path) or 'the file'}: {message}"

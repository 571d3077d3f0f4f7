"""What templates may use: the GOV.UK macros, filters for instants and sizes, the parts of every page."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from flask.templating import Environment
from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup

from app.identity.roles import role_title
from app.identity.service import person_or_none
from app.settings import Env, Settings
from app.store.clock import business_now
from app.web import labels, navigation, rules, words
from app.web.assets import asset

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


class PageEnvironment(Environment):
    """Flask's, in which each template has what it may use in one plain dictionary.

    Jinja has two, one looked through before the other, so that what is added later is found too; and it looks for every name in both
    whenever a template imports another, ten times in a page. Here all is there before the first page.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return dict(super().make_globals(d))


@lru_cache(1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # only pages that tell what a diagram documents need it

    return MarkdownIt("zero", {"html": False, "linkify": False}).enable(["emphasis", "list", "newline"])


def markdown(text: str) -> Markup:
    """Plain Markdown of a diagram's documentation: paragraphs, lists and emphasis. No HTML, no links."""
    return Markup(_markdown().render(text))  # noqa: S704


def replaced(**changes: object) -> dict[str, Any]:
    """What the address of this page is made of, with some parameters of its query changed; None takes one away.

    Names that say how an address is built (``_scheme``) are left out.
    """
    asked = request.args.to_dict(flat=False)
    query: dict[str, Any] = {n: found for n, found in asked.items() if n != "endpoint" and not n.startswith("_")}
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = [str(value)]
    return {**query, **(request.view_args or {})}


def clock_words(now: datetime) -> str:
    """Tuesday 3 March 2026, 2:05pm: the demo's time."""
    there = words.local(now)
    return f"{words.weekday_in_words(there.date())}, {words.time_in_words(there.time())}"


def init_app(app: Flask, settings: Settings) -> None:
    """Prepare the template environment."""
    app.jinja_environment = PageEnvironment
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(Path(__file__).parent / "templates"),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        day=lambda value: words.day_in_words(value) if value else "",
        weekday=lambda value: words.weekday_in_words(_date(value)) if value else "",
        moment=lambda value: words.moment_in_words(value) if value else "",
        point=lambda value: words.point_in_words(value) if value else "",
        since=lambda value: words.since_in_words(value) if value else "",
        clock=lambda value: words.time_in_words(words.local(value).time()) if value else "",
        size=words.size_words,
        count=words.count_words,
        markdown=markdown,
        seconds=lambda value: f"{words.local(value):%-d %B %Y, %H:%M:%S}",
        parameter_value=lambda row: words.parameter_words(row.type, row.value, row.unit),
        role_title=role_title,
        action=labels.action_title,
        deadline=labels.deadline_title,
        document_status=lambda code: labels.DOCUMENT_STATUSES.get(code, (code, ""))[0],
        attendee_role=lambda code: labels.ATTENDEE_ROLES.get(code, code),
        party_role=lambda code: labels.PARTY_ROLES.get(code, code),
        ruling=lambda code: labels.RULINGS.get(code, code),
    )
    env.globals.update(
        asset=asset,
        start_words=labels.start_words,
        replaced=replaced,
        rule_of=rules.rule_of,
        due=lambda instant: words.due_words(instant, business_now()),
    )

    @app.context_processor
    def _page() -> dict[str, Any]:
        person = person_or_none()
        return {
            "person": person,
            "navigation": navigation.entries(person) if person else [],
            "demo_clock": clock_words(business_now()) if settings.env is Env.DEMO else None,
            "production": settings.env is Env.PRODUCTION,
        }


def _date(value: date | datetime) -> date:
    return words.local(value).date() if isinstance(value, datetime) else value

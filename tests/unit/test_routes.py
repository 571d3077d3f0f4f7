"""Addresses are written as Werkzeug writes them, by functions that are compiled when they are first needed."""

from __future__ import annotations

import pytest
from werkzeug.routing import BuildError, Map, Rule

from app.routes import Route

RULES = (
    ("/work/<int:key>", {"key": 7}),
    ("/work/<int:key>", {"key": 7, "sent": "yes & no", "page": 2}),
    ("/cases/<reference>/parts/<path:part>", {"reference": "MC 12", "part": "a/b"}),
    ("/plain", {"of": ["a", "b"]}),
)


def written(kind: type[Rule], text: str, values: dict[str, object], *, append_unknown: bool = True) -> list[str]:
    adapter = Map([kind(text, endpoint="one")]).bind("convenor.example", url_scheme="https")
    return [adapter.build("one", values, append_unknown=append_unknown) for _ in range(2)]


@pytest.mark.parametrize(("text", "values"), RULES)
def test_the_same_addresses_are_written(text: str, values: dict[str, object]) -> None:
    assert written(Route, text, values) == written(Rule, text, values)
    assert written(Route, text, values, append_unknown=False) == written(Rule, text, values, append_unknown=False)


def test_what_does_not_fit_is_refused_as_ever() -> None:
    with pytest.raises(BuildError):
        written(Route, "/work/<int:key>", {})


def test_two_rules_keep_their_own_addresses() -> None:
    adapter = Map([Route("/a/<x>", endpoint="a"), Route("/b/<x>", endpoint="b")]).bind("convenor.example")
    assert [adapter.build(name, {"x": "1"}) for name in "abab"] == ["/a/1", "/b/1", "/a/1", "/b/1"]


def test_nothing_is_compiled_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    original = Rule._compile_builder
    monkeypatch.setattr(
        Rule, "_compile_builder", lambda rule, *a, **k: compiled.append(rule.rule) or original(rule, *a, **k)
    )
    adapter = Map([Route("/a/<x>", endpoint="a"), Route("/b/<x>", endpoint="b")]).bind("convenor.example")
    assert adapter.match("/b/1") == ("b", {"x": "1"})
    assert compiled == []
    for _ in range(2):
        adapter.build("b", {"x": "1"})
    assert compiled == ["/b/<x>"]

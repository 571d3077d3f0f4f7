"""The addresses of pages and of the API, as the application keeps them."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

Written = tuple[str, str]  # domain and path


class Route(Rule):
    """A rule that compiles what writes its address when the address is first written.

    Werkzeug compiles two functions for each rule when the application is made. There are hundreds, most of them of the API, whose addresses
    nobody writes: a tenth of a start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Written]:
        return _write_with_unknown if append_unknown else _write

    def compiled(self, append_unknown: bool) -> Callable[..., Written]:
        """What writes the address, as Werkzeug makes it."""
        builder: Callable[..., Written] = super()._compile_builder(append_unknown).__get__(self, None)
        return builder


def _write(rule: Route, /, **values: object) -> Written:
    rule._build = rule.compiled(append_unknown=False)
    return rule._build(**values)


def _write_with_unknown(rule: Route, /, **values: object) -> Written:
    rule._build_unknown = rule.compiled(append_unknown=True)
    return rule._build_unknown(**values)

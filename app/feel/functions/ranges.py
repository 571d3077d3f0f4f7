"""How points and ranges lie to each other (DMN 1.5, table 80, after Allen's interval algebra)."""

from __future__ import annotations

from collections.abc import Callable

from app.feel.frame import NoValue
from app.feel.registry import builtin
from app.feel.values import Range, Value, compare, equal

GROUP = "Ranges"
_ANY = (
    "point1: point, point2: point",
    "point: point, range: range",
    "range: range, point: point",
    "range1: range, range2: range",
)
_POINT_FIRST = ("point: point, range: range", "range1: range, range2: range")
_RANGE_FIRST = ("range: range, point: point", "range1: range, range2: range")
_RANGES = ("range1: range, range2: range",)
_SAME = ("point1: point, point2: point", "range1: range, range2: range")


def as_range(value: Value) -> Range:
    """A point counts as the range that holds only itself."""
    return value if isinstance(value, Range) else Range(value, value, True, True)


def _order(first: Value, second: Value) -> int:
    order = compare(first, second)
    if order is None:
        raise NoValue("These two cannot be compared.")
    return order


def _starts_no_later(outer: Range, inner: Range) -> bool:
    """Whether the inner range does not begin before the outer one."""
    if outer.start is None or inner.start is None:
        return outer.start is None
    order = _order(outer.start, inner.start)
    return order < 0 or (order == 0 and (outer.start_included or not inner.start_included))


def _ends_no_earlier(outer: Range, inner: Range) -> bool:
    """Whether the inner range does not end after the outer one."""
    if outer.end is None or inner.end is None:
        return outer.end is None
    order = _order(inner.end, outer.end)
    return order < 0 or (order == 0 and (outer.end_included or not inner.end_included))


def before(first: Value, second: Value) -> bool:
    left, right = as_range(first), as_range(second)
    if left.end is None or right.start is None:
        return False
    order = _order(left.end, right.start)
    return order < 0 or (order == 0 and not (left.end_included and right.start_included))


def includes(outer: Value, inner: Value) -> bool:
    first, second = as_range(outer), as_range(inner)
    return _starts_no_later(first, second) and _ends_no_earlier(first, second)


def starts(first: Value, second: Value) -> bool:
    inner, outer = as_range(first), as_range(second)
    if inner.start is None or outer.start is None:
        return False
    same_start = _order(inner.start, outer.start) == 0 and inner.start_included == outer.start_included
    return same_start and _ends_no_earlier(outer, inner)


def finishes(first: Value, second: Value) -> bool:
    inner, outer = as_range(first), as_range(second)
    if inner.end is None or outer.end is None:
        return False
    same_end = _order(inner.end, outer.end) == 0 and inner.end_included == outer.end_included
    return same_end and _starts_no_later(outer, inner)


def meets(first: Range, second: Range) -> bool:
    return first.end_included and second.start_included and equal(first.end, second.start) is True


def overlaps(first: Range, second: Range) -> bool:
    return not before(first, second) and not before(second, first)


def overlaps_before(first: Range, second: Range) -> bool:
    begins_earlier = _starts_no_later(first, second) and not (
        equal(first.start, second.start) is True and first.start_included == second.start_included
    )
    return begins_earlier and overlaps(first, second) and _ends_no_earlier(second, first)


def overlaps_after(first: Range, second: Range) -> bool:
    return _begins_later(first, second) and overlaps(first, second) and _ends_no_earlier(first, second)


def _begins_later(first: Range, second: Range) -> bool:
    return _starts_no_later(second, first) and not (
        equal(first.start, second.start) is True and first.start_included == second.start_included
    )


def coincides(first: Value, second: Value) -> bool:
    if not isinstance(first, Range):
        return _order(first, second) == 0
    return equal(first, second) is True


def _swapped(relation: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    return lambda first, second: relation(second, first)


def _add(name: str, signatures: tuple[str, ...], relation: Callable[..., bool], summary: str, example: str) -> None:
    builtin(name, *signatures, returns="boolean", group=GROUP, summary=summary, example=example)(relation)


_add("before", _ANY, before, "Whether the first ends before the second begins.", "before([1..5], 6)")
_add("after", _ANY, _swapped(before), "Whether the first begins after the second ends.", "after(6, [1..5])")
_add("meets", _RANGES, meets, "Whether the second begins where the first ends.", "meets([1..5], [5..10])")
_add("met by", _RANGES, _swapped(meets), "Whether the first begins where the second ends.", "met by([5..10], [1..5])")
_add("overlaps", _RANGES, overlaps, "Whether the two have a point in common.", "overlaps([1..5], [3..8])")
_add(
    "overlaps before",
    _RANGES,
    overlaps_before,
    "Whether they overlap and the first begins earlier.",
    "overlaps before([1..5], [3..8])",
)
_add(
    "overlaps after",
    _RANGES,
    overlaps_after,
    "Whether they overlap and the first ends later.",
    "overlaps after([3..8], [1..5])",
)
_add("finishes", _POINT_FIRST, finishes, "Whether the first ends together with the second.", "finishes([3..5], [1..5])")
_add(
    "finished by",
    _RANGE_FIRST,
    _swapped(finishes),
    "Whether the second ends together with the first.",
    "finished by([1..5], 5)",
)
_add("includes", _RANGE_FIRST, includes, "Whether the second lies in the first.", "includes([1..10], [4..6])")
_add("during", _POINT_FIRST, _swapped(includes), "Whether the first lies in the second.", "during(5, [1..10])")
_add("starts", _POINT_FIRST, starts, "Whether the first begins together with the second.", "starts([1..5], [1..10])")
_add(
    "started by",
    _RANGE_FIRST,
    _swapped(starts),
    "Whether the second begins together with the first.",
    "started by([1..10], 1)",
)
_add("coincides", _SAME, coincides, "Whether the two are equal.", "coincides([1..5], [1..5])")

"""Functions on numbers (DMN 1.5, table 78), and `not`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)

from app.feel.frame import NoValue
from app.feel.numbers import CONTEXT, ONE, ZERO, floor_divide, is_whole
from app.feel.registry import builtin
from app.feel.temporal import DayTimeDuration, Duration, YearMonthDuration

GROUP = "Numbers"
_MIN_SCALE, _MAX_SCALE = -6111, 6176
_ROUNDING = Context(prec=13_000, Emin=-20_000, Emax=20_000, traps=[InvalidOperation])


def rounded(value: Decimal, scale: Decimal, rounding: str) -> Decimal:
    """The number with so many decimal places. Raises NoValue for a scale outside -6111 to 6176."""
    if not _MIN_SCALE <= scale <= _MAX_SCALE:
        raise NoValue(f"The scale must lie between {_MIN_SCALE} and {_MAX_SCALE}.")
    places = int(scale)
    if -places < value.as_tuple().exponent:  # type: ignore[operator]  # finite numbers have integer exponents
        return value  # it has fewer places already
    return CONTEXT.plus(value.quantize(ONE.scaleb(-places), rounding=rounding, context=_ROUNDING))


def _rounding(name: str, rounding: str, summary: str, example: str, *, scale_optional: bool = False) -> None:
    signature = f"n: number, scale{'?' if scale_optional else ''}: number"

    def implementation(n: Decimal, *scale: Decimal | None) -> Decimal:
        if scale and scale[0] is None:
            raise NoValue(f"{name}(…): the scale is null.")
        return rounded(n, scale[0] if scale and scale[0] is not None else ZERO, rounding)

    builtin(name, signature, returns="number", group=GROUP, summary=summary, example=example)(implementation)


_rounding("decimal", ROUND_HALF_EVEN, "Rounded to the nearest; halves to the even digit.", "decimal(2.5, 0) = 2")
_rounding("floor", ROUND_FLOOR, "Rounded towards minus infinity.", "floor(-1.56, 1) = -1.6", scale_optional=True)
_rounding("ceiling", ROUND_CEILING, "Rounded towards infinity.", "ceiling(1.5) = 2", scale_optional=True)
_rounding("round up", ROUND_UP, "Rounded away from zero.", "round up(1.121, 2) = 1.13")
_rounding("round down", ROUND_DOWN, "Rounded towards zero.", "round down(1.126, 2) = 1.12")
_rounding("round half up", ROUND_HALF_UP, "Rounded to the nearest; halves away from zero.", "round half up(5.5, 0) = 6")
_rounding(
    "round half down", ROUND_HALF_DOWN, "Rounded to the nearest; halves towards zero.", "round half down(5.5, 0) = 5"
)


@builtin(
    "abs",
    "n: number | days and time duration | years and months duration",
    returns="any",
    group=GROUP,
    summary="Without its sign.",
    example="abs(-10) = 10",
)
def absolute(n: Decimal | Duration) -> Decimal | Duration:
    if isinstance(n, DayTimeDuration):
        return DayTimeDuration(abs(n.seconds))
    if isinstance(n, YearMonthDuration):
        return YearMonthDuration(abs(n.months))
    return n.copy_abs()


@builtin(
    "modulo",
    "dividend: number, divisor: number",
    returns="number",
    group=GROUP,
    summary="The remainder of a division, with the sign of the divisor.",
    example="modulo(-12, 5) = 3",
)
def modulo(dividend: Decimal, divisor: Decimal) -> Decimal:
    if not divisor:
        raise NoValue("Division by zero.")
    return CONTEXT.plus(floor_divide(dividend, divisor)[1])


def _function(name: str, operation: Callable[[Decimal], Decimal], lowest: str, summary: str, example: str) -> None:
    def implementation(number: Decimal) -> Decimal:
        if (lowest == "positive" and number <= 0) or (lowest == "zero" and number < 0):
            raise NoValue(f"{name}(…) is not defined for this number.")
        return operation(number)

    builtin(name, "number: number", returns="number", group=GROUP, summary=summary, example=example)(implementation)


_function("sqrt", CONTEXT.sqrt, "zero", "The square root.", "sqrt(16) = 4")
_function("log", CONTEXT.ln, "positive", "The natural logarithm.", "decimal(log(10), 2) = 2.30")
_function("exp", CONTEXT.exp, "", "e to the power of the number.", "decimal(exp(5), 2) = 148.41")


@builtin(
    "odd",
    "number: number",
    returns="boolean",
    group=GROUP,
    summary="Whether the number is odd.",
    example="odd(5)",
)
def odd(number: Decimal) -> bool:
    return is_whole(number) and floor_divide(number, Decimal(2))[1] == 1


@builtin(
    "even",
    "number: number",
    returns="boolean",
    group=GROUP,
    summary="Whether the number is even.",
    example="even(2)",
)
def even(number: Decimal) -> bool:
    return is_whole(number) and floor_divide(number, Decimal(2))[1] == 0


@builtin(
    "not",
    "negand: boolean",
    returns="boolean",
    group="True and false",
    summary="The opposite; null for null.",
    example="not(false)",
)
def negation(negand: bool) -> bool:
    return not negand

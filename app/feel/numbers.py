"""FEEL's numbers: decimals of 34 significant digits, rounded half even (DMN 1.5, 10.3.2.3.1)."""

from __future__ import annotations

from decimal import (
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

CONTEXT = Context(
    prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[InvalidOperation, DivisionByZero, Overflow]
)
ZERO = Decimal(0)
ONE = Decimal(1)
NumberError = DecimalException
# Exact arithmetic on counts of seconds: dates may lie a thousand million years away.
_WIDE = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])


def number(text: str) -> Decimal:
    """The number of a literal, rounded to 34 digits. Raises NumberError when it is none or too large."""
    return CONTEXT.create_decimal(text)


def floor_divide(dividend: Decimal, divisor: Decimal) -> tuple[Decimal, Decimal]:
    """Quotient rounded down, and the remainder, which has the divisor's sign."""
    quotient = _WIDE.divide(dividend, divisor).to_integral_value(ROUND_FLOOR)
    return quotient, _WIDE.subtract(dividend, _WIDE.multiply(quotient, divisor))


def is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()


def plain(value: Decimal) -> str:
    """Digits without an exponent and without idle zeros: 1.50 is "1.5", 1E+3 is "1000"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text

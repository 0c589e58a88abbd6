"""Numbers and truth values. Page *Numeric types* (r_Numeric_types201), *Boolean type* (r_Boolean_type)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Final

from devstack.redshift.copying.columns import Column
from devstack.redshift.copying.report import RowError

BLANKS: Final = " \t\r\n\f\v"
Convert = Callable[[str], str | None]

_BITS: Final = {"int2": ("Short", 16), "int4": ("Integer", 32), "int8": ("Long", 64)}
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]*)(?:\.([0-9]*))?")
_FLOAT: Final = re.compile(
    r"[+-]?(?:(?P<digits>[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|infinity|nan)", re.IGNORECASE
)
_TRUE, _FALSE = {"t", "true", "y", "yes", "1"}, {"f", "false", "n", "no", "0"}


def integer(column: Column) -> Convert:
    """Digits within the type's range."""
    kind, bits = _BITS[column.type]
    least, most = -(1 << bits - 1), (1 << bits - 1) - 1

    def convert(value: str) -> str | None:
        text = value.strip(BLANKS)
        if not text:
            return None
        if not _INTEGER.fullmatch(text):
            raise _invalid_digit(text, "0123456789", kind)
        # Leading zeros do not count; int() refuses thousands of digits.
        if len(text.lstrip("+-0")) > 19 or not least <= int(text) <= most:
            raise RowError(1222, f"Overflow ({kind} valid range {least} to {most})")
        return text

    return convert


def decimal(column: Column, *, rounded: bool) -> Convert:
    """Digits beyond the scale are cut off, unless ROUNDEC says to round (copy-parameters-data-conversion)."""
    step, limit = Decimal(1).scaleb(-column.scale), Decimal(1).scaleb(column.size - column.scale)
    rounding = ROUND_HALF_UP if rounded else ROUND_DOWN

    def convert(value: str) -> str | None:
        text = value.strip(BLANKS)
        if not text:
            return None
        parts = _DECIMAL.fullmatch(text)
        if not parts or not (parts[1] or parts[2]):
            raise _invalid_digit(text, "0123456789.", "Decimal")
        if len(parts[1].lstrip("0")) > column.size - column.scale:
            raise RowError(1204, f"Overflow for NUMERIC({column.size},{column.scale})")
        if len(parts[2] or "") <= column.scale:
            return text
        found = Decimal(text).quantize(step, rounding, Context(prec=len(text)))
        if abs(found) >= limit:
            raise RowError(1204, f"Overflow for NUMERIC({column.size},{column.scale})")
        return format(found, "f")

    return convert


def floating(column: Column) -> Convert:
    """What the type can hold; a number too large or too small for it is refused, not made infinite or zero."""
    short = column.type == "float4"

    def convert(value: str) -> str | None:
        text = value.strip(BLANKS)
        if not text:
            return None
        found = _FLOAT.fullmatch(text)
        if not found:
            raise _invalid_digit(text, "0123456789.eE", "Float" if short else "Double", 1208)
        if found["digits"] and not _fits(float(text), found["digits"], short=short):
            raise RowError(1204, f"Overflow ({'Float' if short else 'Double'})")
        return text

    return convert


def boolean(value: str) -> str | None:
    """The words of Redshift, in any case."""
    text = value.strip(BLANKS)
    if not text:
        return None
    if text.lower() in _TRUE or text.lower() in _FALSE:
        return text
    raise RowError(1210, "Unknown boolean format")


def _fits(number: float, digits: str, *, short: bool) -> bool:
    if number in {float("inf"), float("-inf")}:
        return False
    if short:
        try:
            (number,) = struct.unpack("<f", struct.pack("<f", number))
        except OverflowError:
            return False
    return number != 0 or not digits.strip("0.")


def _invalid_digit(text: str, allowed: str, kind: str, code: int = 1207) -> RowError:
    signed = text[0] in "+-"
    wrong = next((at for at, c in enumerate(text) if c not in allowed and not (signed and at == 0)), len(text) - 1)
    return RowError(code, f"Invalid digit, Value '{text[wrong]}', Pos {wrong}, Type: {kind}", wrong)

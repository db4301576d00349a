"""Preferred numbers: the series that the boundaries of $bucketAuto are rounded to.

A series is a few numbers between one power of ten and the next; all of them times any power of ten belong to it.
A decimal is rounded to a decimal, every other number to a double. Source: manual, $bucketAuto, Granularity.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from bson import Decimal128

from amongo.values.numbers import pack_decimal, to_double, unpack_decimal

_R10: Final = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800)
_R20: Final = (*_R10, 112, 140, 180, 224, 280, 355, 450, 560, 710, 900)
_R40: Final = (
    *(*_R20, 106, 118, 132, 150, 170, 190, 212, 236, 265, 300),
    *(335, 375, 425, 475, 530, 600, 670, 750, 850, 950),
)
_R80: Final = (
    *(*_R40, 103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272, 290, 307),
    *(325, 345, 365, 387, 412, 437, 462, 487, 515, 545, 580, 615, 650, 690, 730, 775, 825, 875, 925, 975),
)
_E12: Final = (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82)


def _fine_series(count: int) -> tuple[int, ...]:
    """Steps of one ratio through a power of ten, to three digits; the standard departs from it once (IEC 60063)."""
    steps = (round(100 * 10 ** (step / count)) for step in range(count))
    return tuple(920 if step == 919 else step for step in steps)


SERIES: Final[dict[str, tuple[int, ...]]] = {
    "R5": (10, 16, 25, 40, 63),
    "R10": _R10,
    "R20": tuple(sorted(_R20)),
    "R40": tuple(sorted(_R40)),
    "R80": tuple(sorted(_R80)),
    "1-2-5": (10, 20, 50),
    "E6": (10, 15, 22, 33, 47, 68),
    "E12": _E12,
    "E24": tuple(sorted((*_E12, 11, 13, 16, 20, 24, 30, 36, 43, 51, 62, 75, 91))),
    "E48": _fine_series(48),
    "E96": _fine_series(96),
    "E192": _fine_series(192),
}
"""Name -> its numbers from one power of ten to the next, ascending."""

POWERS_OF_TWO: Final = "POWERSOF2"

_Exact = TypeVar("_Exact", float, Decimal)


@dataclass(frozen=True, slots=True)
class Granularity:
    """One series. Zero is rounded to itself.

    up     the smallest number of the series above a value that is not negative
    down   the largest one below
    """

    up: Callable[[Any], Any]
    down: Callable[[Any], Any]


def granularity(name: str) -> Granularity | None:
    """The series with this name; None if there is none."""
    if name == POWERS_OF_TWO:
        return Granularity(_power_above, _power_below)
    series = SERIES.get(name)
    if series is None:
        return None

    def up(value: Any) -> Any:
        return _rounded(value, _above, series)

    def down(value: Any) -> Any:
        return _rounded(value, _below, series)

    return Granularity(up, down)


def _rounded(value: Any, rounded: Callable[..., Any], series: tuple[int, ...]) -> Any:
    if to_double(value) == 0 or math.isinf(to_double(value)):
        return value
    if type(value) is Decimal128:
        return pack_decimal(rounded(unpack_decimal(value), list(map(Decimal, series))))
    return rounded(float(value), list(map(float, series)))


def _above(value: _Exact, series: list[_Exact]) -> _Exact:
    scale, ten = type(value)(1), type(value)(10)
    while value >= series[-1] * scale:
        scale *= ten
    while value < series[0] * scale:
        lowest = series[0] * scale
        scale /= ten
        if value >= series[-1] * scale:  # between the last of one power of ten and the first of the next
            return lowest
    scaled = [number * scale for number in series]
    return scaled[bisect_right(scaled, value)]


def _below(value: _Exact, series: list[_Exact]) -> _Exact:
    scale, ten = type(value)(1), type(value)(10)
    while value <= series[0] * scale:
        scale /= ten
    while value > series[-1] * scale:
        highest = series[-1] * scale
        scale *= ten
        if value <= series[0] * scale:
            return highest
    scaled = [number * scale for number in series]
    return scaled[bisect_left(scaled, value) - 1]


def _power_above(value: Any) -> Any:
    return _power(value, lambda exponent: math.floor(exponent) + 1)


def _power_below(value: Any) -> Any:
    return _power(value, lambda exponent: math.ceil(exponent) - 1)


def _power(value: Any, exponent_of: Callable[[float], int]) -> Any:
    """A power of two next to a value, by its logarithm.

    source   manual, $bucketAuto: POWERSOF2
    """
    double = to_double(value)
    if double == 0 or math.isinf(double):
        return value
    exponent = exponent_of(math.log2(double))
    if type(value) is Decimal128:
        return pack_decimal(Decimal(2) ** exponent)
    return 2.0**exponent if exponent < 1024 else math.inf

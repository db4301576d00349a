"""What is known of many values, computed at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_FRACTION_BITS: Final = np.uint64(52)
_FRACTION: Final = np.uint64((1 << 52) - 1)
_IMPLIED: Final = np.uint64(1 << 52)
_EXPONENT: Final = np.uint64(0x7FF)
_SIGN: Final = np.uint64(1 << 63)
_ONE: Final = np.uint64(1)


def counts_of(tags: npt.NDArray[np.int8]) -> dict[int, int]:
    """tag -> how many rows have it, those that occur."""
    counts = np.bincount(tags.view(np.uint8), minlength=256)
    return {tag - 256 if tag > 127 else tag: int(counts[tag]) for tag in np.flatnonzero(counts).tolist()}


def extremes(values: npt.NDArray[Any]) -> tuple[Any, Any]:
    """(the least, the greatest), as Python has them; None where there are none."""
    return (values.min().item(), values.max().item()) if len(values) else (None, None)


def facts_of_doubles(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The facts of a column that are about its doubles."""
    is_finite = np.isfinite(values)
    finite = values if is_finite.all() else values[is_finite]
    low, high = extremes(finite)
    return {
        "low": low,
        "high": high,
        "low_bit": low_bit(finite),
        "has_nan": len(finite) < len(values) and bool(np.isnan(values).any()),
        "has_infinity": len(finite) < len(values) and bool(np.isinf(values).any()),
        "has_negative_zero": bool((values.view(np.uint64) == _SIGN).any()),
    }


def low_bit(finite: npt.NDArray[np.float64]) -> int | None:
    """The greatest e for which all numbers are multiples of 2**e; None where all are zero.

    A number is its fraction, with the implied bit in front, times a power of two: the power, and as many more as the
    fraction has zeros at its end.
    """
    numbers = finite[finite != 0]
    if not len(numbers):
        return None
    bits = numbers.view(np.uint64)
    exponents = (bits >> _FRACTION_BITS) & _EXPONENT
    fractions = bits & _FRACTION
    is_normal = exponents != 0
    if is_normal.all():
        fractions |= _IMPLIED
    else:
        fractions[is_normal] |= _IMPLIED
        exponents[~is_normal] = 1  # subnormal numbers have the power of the least exponent, and no implied bit
    lowest = fractions & (~fractions + _ONE)
    zeros = lowest.astype(np.float64).view(np.uint64) >> _FRACTION_BITS
    return int((exponents + zeros).min()) - 1075 - 1023

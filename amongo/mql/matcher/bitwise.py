"""Bitwise operators: `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet`, `$bitsAnyClear`.

Numbers count as 64-bit two's complement, continued with their sign; binary values count from the lowest bit of their
first byte and are continued with zeros. Fractions, NaN and numbers beyond 64 bits match nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson.binary import Binary

from amongo.errors import query as errors
from amongo.mql.matcher.registry import Clause, field_operator
from amongo.mql.matcher.tree import MatchExpression, Predicate, Test
from amongo.values.numbers import INT_MAX, exact_integer, is_nan
from amongo.values.types import is_number
from amongo.values.wording import shown


@dataclass(frozen=True, slots=True)
class Bits(Predicate):
    """The bits at some positions, the operand, are all or in part set or clear."""

    operand: tuple[int, ...]

    def value_test(self) -> Test:
        positions = self.operand
        wants_all = self.operator in ("$bitsAllSet", "$bitsAllClear")
        wants_set = self.operator in ("$bitsAllSet", "$bitsAnySet")
        mask = 0
        for position in positions:
            mask |= 1 << min(position, 63)

        def test(value: Any) -> bool:
            kind = type(value)
            if kind is bytes or kind is Binary:
                stored = _stored(value)
                found = (_is_set(stored, position) == wants_set for position in positions)
                return all(found) if wants_all else any(found)
            number = exact_integer(value)
            if number is None:
                return False
            word = (number if wants_set else ~number) & mask
            return word == mask if wants_all else word != 0

        return test


def _stored(binary: bytes) -> bytes:
    """The bytes that BSON stores: subtype 2 begins with the length once more."""
    if type(binary) is Binary and binary.subtype == 2:
        return len(binary).to_bytes(4, "little") + binary
    return binary


def _is_set(binary: bytes, position: int) -> bool:
    at = position >> 3
    return at < len(binary) and bool(binary[at] >> (position & 7) & 1)


@field_operator("$bitsAllSet")
def bits_all_set(clause: Clause) -> MatchExpression:
    """All bits of the mask are 1.

    operand   a whole number from 0 to 2**63 - 1, binary data, or an array of bit positions from 0 to 2**31 - 1
    errors    BITS_WRONG_TYPE, BITS_BAD_MASK, BITS_BAD_POSITION
    source    manual, $bitsAllSet
    """
    return _bits(clause)


@field_operator("$bitsAllClear")
def bits_all_clear(clause: Clause) -> MatchExpression:
    """All bits of the mask are 0; operand and errors as for `$bitsAllSet`. source: manual, $bitsAllClear."""
    return _bits(clause)


@field_operator("$bitsAnySet")
def bits_any_set(clause: Clause) -> MatchExpression:
    """Some bit of the mask is 1; operand and errors as for `$bitsAllSet`. source: manual, $bitsAnySet."""
    return _bits(clause)


@field_operator("$bitsAnyClear")
def bits_any_clear(clause: Clause) -> MatchExpression:
    """Some bit of the mask is 0; operand and errors as for `$bitsAllSet`. source: manual, $bitsAnyClear."""
    return _bits(clause)


def _bits(clause: Clause) -> Bits:
    operand = clause.operand
    if is_number(operand):
        mask = _mask(clause.operator, operand)
        positions = [position for position in range(64) if mask >> position & 1]
    elif type(operand) is list:
        positions = [_position(index, each) for index, each in enumerate(operand)]
    elif isinstance(operand, bytes):
        stored = _stored(operand)
        positions = [position for position in range(8 * len(stored)) if _is_set(stored, position)]
    else:
        raise errors.BITS_WRONG_TYPE(path=clause.path, name=clause.operator, operand=shown(operand))
    return Bits(clause.operator, clause.path, tuple(sorted(set(positions))))


def _mask(name: str, operand: Any) -> int:
    mask = exact_integer(operand)
    if mask is None:
        reason = "Expected an integer, but found NaN" if is_nan(operand) else "Expected an integer"
        raise errors.BITS_BAD_MASK(reason=reason, name=name, operand=shown(operand))
    if mask < 0:
        raise errors.BITS_BAD_MASK(reason="Expected a non-negative number", name=name, operand=shown(operand))
    return mask


def _position(index: int, operand: Any) -> int:
    position = exact_integer(operand)
    if not is_number(operand):
        reason = "Expected a number"
    elif position is None:
        reason = "Expected an integer"
    elif position < 0:
        reason = "Expected a non-negative number"
    elif position > INT_MAX:
        reason = "Cannot represent as a 32-bit integer"
    else:
        return position
    raise errors.BITS_BAD_POSITION(reason=reason, index=index, operand=shown(operand))

"""Documents and comparisons for the tests of columns."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from amongo.engine.columns import DOUBLE, Column

Value = tuple[int, bytes]
"""A value as BSON has it: (type byte, bytes)."""


def framed(elements: bytes) -> bytes:
    """A document of these elements."""
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def document(fields: Iterable[tuple[str, Value]]) -> bytes:
    """A document of these fields, which may repeat a name."""
    return framed(b"".join(bytes([kind]) + name.encode() + b"\0" + raw for name, (kind, raw) in fields))


def array(values: Iterable[Value], names: Iterable[str] | None = None) -> Value:
    """An array; with names other than their positions if they are given."""
    elements = list(values)
    return 4, document(zip(names or map(str, range(len(elements))), elements, strict=False))


def text(value: str) -> bytes:
    """A string with its length and its NUL."""
    return struct.pack("<i", len(value.encode()) + 1) + value.encode() + b"\0"


def shown(column: Column) -> dict[str, Any]:
    """All that a column says, so that two can be compared: doubles by their bits, strings without a dictionary."""
    slots: dict[str, list[Any]] = {}
    for slot, values in column.slots.items():
        values.validate(full=slot != "string" or column.facts.is_utf8)
        slots[slot] = _shown_slot(slot, values)
    return {
        "tags": column.tags.tolist(),
        "slots": slots,
        "facts": column.facts,
        "offsets": None if column.offsets is None else column.offsets.tolist(),
    }


def _shown_slot(slot: str, values: Any) -> list[Any]:
    if slot == DOUBLE:
        return [None if each is None else struct.pack("<d", each) for each in values.to_pylist()]
    if slot == "string":
        plain = values.dictionary_decode() if hasattr(values, "dictionary") else values
        return list(plain.view("binary" if plain.type == "string" else "large_binary").to_pylist())
    return list(values.to_pylist())


def in_one_buffer(documents: Sequence[bytes], gaps: Sequence[int], order: Sequence[int]) -> tuple[bytes, Any]:
    """The documents with gaps between them, in some order: (the bytes, where each begins)."""
    starts, contents = [0] * len(documents), b""
    for number, place in enumerate(order):
        contents += b"\xff" * gaps[number % len(gaps)] if gaps else b""
        starts[place] = len(contents)
        contents += documents[place]
    return contents, np.array(starts, np.int64)

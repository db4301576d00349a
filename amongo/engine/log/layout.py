"""Byte layouts as data: the `struct` that packs and the table in docs/format.md come from the same list of fields."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, calcsize


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a layout.

    name      what the code calls it
    code      its `struct` code (little-endian, not aligned)
    meaning   one line for docs/format.md
    """

    name: str
    code: str
    meaning: str

    @property
    def size(self) -> int:
        """Width in bytes."""
        return calcsize("<" + self.code)


@dataclass(frozen=True, slots=True)
class Layout:
    """A run of fields, little-endian and without gaps."""

    title: str
    fields: tuple[Field, ...]

    def struct(self) -> Struct:
        """What packs and unpacks it."""
        return Struct("<" + "".join(field.code for field in self.fields))

    def offset(self, name: str) -> int:
        """Where a field begins, in bytes. errors: KeyError."""
        position = 0
        for field in self.fields:
            if field.name == name:
                return position
            position += field.size
        raise KeyError(name)

    def rows(self) -> list[tuple[int, int, str, str]]:
        """(offset, size, name, meaning) of every field; sizes in bytes."""
        return [(self.offset(field.name), field.size, field.name, field.meaning) for field in self.fields]


def table(layout: Layout) -> str:
    """The fields as the table in docs/format.md."""
    rows = [
        f"| {offset} | {size} | `{name}` | {meaning.replace('|', chr(92) + '|')} |"
        for offset, size, name, meaning in layout.rows()
    ]
    return "\n".join(("| offset | bytes | field | |", "| ---: | ---: | --- | --- |", *rows))

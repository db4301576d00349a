"""Documents that are not taken apart: what is inside them is found by path, when somebody asks.

A stored document has no columns but those that are read; the element of an array that was taken apart and a document
that was joined are the same. So the relational form never holds them as values: it holds how to find the value of a
path in them (`Inside`), and what was done to the documents (`steps`), which is done again to those that come out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.listing import array_of, elements_of, gathered
from amongo.aggregate.relational.sql import Sql
from amongo.aggregate.relational.values import NOTHING, Listing, NotLowered, Value, without
from amongo.engine.columns import CROSSED, OTHER, Path
from amongo.values.types import BsonType

if TYPE_CHECKING:
    from amongo.aggregate.relational.lowering import Lowering

_NESTED = frozenset({int(BsonType.OBJECT), int(BsonType.ARRAY), CROSSED})


def shown(path: Path) -> str:
    """A path as explain shows it."""
    return ".".join("[]" if name is None else name for name in path)


class Inside(ABC):
    """What is inside documents that are not taken apart."""

    @abstractmethod
    def value(self, path: Path) -> Value:
        """The value of a path in them, as columns have it: CROSSED where an array stands on the way; () for themselves.

        errors   NotLowered, Unread
        """

    def kinds(self, path: Path) -> frozenset[int]:
        """The kinds that `value` may give; where it is asked for nothing else this may be cheaper."""
        return self.value(path).kinds

    def origin(self, path: Path) -> Path | None:
        """The path of the collection's own documents that has exactly this value in every row; None for none."""
        return None


@dataclass(frozen=True, slots=True)
class StoredInside(Inside):
    """The documents of the collection themselves.

    prefix   the path of the document inside them that is meant
    """

    lowering: Lowering
    prefix: Path = ()

    def value(self, path: Path) -> Value:
        if not self.prefix + path:
            raise NotLowered("a whole stored document")
        return self.lowering.stored_value(self.prefix + path)

    def kinds(self, path: Path) -> frozenset[int]:
        return self.lowering.facts_of(self.prefix + path).tags

    def origin(self, path: Path) -> Path | None:
        return self.prefix + path or None


@dataclass(frozen=True, slots=True)
class Below(Inside):
    """The document at a path of others."""

    outer: Inside
    prefix: Path

    def value(self, path: Path) -> Value:
        return self.outer.value(self.prefix + path)

    def kinds(self, path: Path) -> frozenset[int]:
        return self.outer.kinds(self.prefix + path)

    def origin(self, path: Path) -> Path | None:
        return self.outer.origin(self.prefix + path)


Names = Mapping[str, "Names | None"]
"""Field names of a projection: None for the whole field, the names below otherwise."""


@dataclass(frozen=True, slots=True)
class Cut(Inside):
    """What a projection leaves of documents.

    names         the fields that stay, or those that go
    is_inclusion  whether they stay
    """

    outer: Inside
    names: Names
    is_inclusion: bool

    def value(self, path: Path) -> Value:
        seen = self._sees(path)
        if seen is False:
            is_partly_there = len(path) > 1 and self.names.get(path[0] or "") is not None
            if is_partly_there and CROSSED in self.outer.kinds(path):
                raise NotLowered(f"a projection has left a part of the arrays on the way of {shown(path)}")
            return NOTHING
        if seen is True:
            return self.outer.value(path)
        if not path:
            raise NotLowered("a document of which a projection has left a part")
        if self.outer.kinds(path) & _NESTED:
            raise NotLowered(f"a projection has left a part of {shown(path)}")
        return NOTHING if self.is_inclusion else self.outer.value(path)

    def kinds(self, path: Path) -> frozenset[int]:
        return self.outer.kinds(path) if self._sees(path) else self.value(path).kinds

    def origin(self, path: Path) -> Path | None:
        return self.outer.origin(path) if self._sees(path) else None

    def _sees(self, path: Path) -> bool | None:
        """Whether the projection leaves a path; None for a part of it."""
        names: Names | None = self.names
        for name in path:
            assert names is not None
            if name is None or name not in names:
                return not self.is_inclusion
            names = names[name]
            if names is None:
                return self.is_inclusion
        return None


@dataclass(frozen=True, slots=True)
class Patched(Inside):
    """Documents in which fields have other values; a document stands there in every row.

    outer   what was there before
    values  name -> its value, or what is inside it
    """

    outer: Inside
    values: Mapping[str, Value | Inside]

    def value(self, path: Path) -> Value:
        if not path:
            raise NotLowered("a document in which fields have been set")
        name = path[0]
        if name is None or name not in self.values:
            return self.outer.value(path)
        return inner(self.values[name], path[1:], path)

    def kinds(self, path: Path) -> frozenset[int]:
        if path and path[0] is not None and path[0] not in self.values:
            return self.outer.kinds(path)
        found = self.values.get(path[0] or "") if path else None
        return found.kinds(path[1:]) if isinstance(found, Inside) else self.value(path).kinds

    def origin(self, path: Path) -> Path | None:
        if not path or path[0] is None:
            return None
        found = self.values.get(path[0])
        if found is None:
            return self.outer.origin(path)
        return found.origin(path[1:]) if isinstance(found, Inside) else None


@dataclass(frozen=True, slots=True)
class WrittenInside(Inside):
    """A document inside others in which fields were given values, as $addFields does it.

    outer    what was there before
    stored   the same, with what a projection has left out: it tells whether there are arrays
    tree     name -> its value, or the tree below
    """

    outer: Inside
    stored: Inside
    tree: Mapping[str, Any]

    def value(self, path: Path) -> Value:
        if not path:
            raise NotLowered("a document in which fields have been set")
        name, rest = path[0], path[1:]
        found = None if name is None else self.tree.get(name)
        if found is None:
            return self.outer.value(path)
        if CROSSED in self.stored.kinds((name,)):
            raise NotLowered("fields that were set in the elements of an array")
        if isinstance(found, Value):
            return within(found, rest, path)
        return WrittenInside(Below(self.outer, (name,)), Below(self.stored, (name,)), found).value(rest)


@dataclass(frozen=True, slots=True)
class Where(Inside):
    """Documents that are there in some rows only.

    condition   whether they are; never NULL
    """

    outer: Inside
    condition: Sql

    def value(self, path: Path) -> Value:
        return either([(self.condition, self.outer.value(path))], NOTHING)

    def kinds(self, path: Path) -> frozenset[int]:
        return self.outer.kinds(path) | {int(BsonType.MISSING)}


@dataclass(frozen=True, slots=True)
class Opaque(Inside):
    """Something that is not looked into.

    reason   what it is, for explain
    """

    reason: str

    def value(self, path: Path) -> Value:
        raise NotLowered(self.reason)


@dataclass(frozen=True, slots=True)
class Nowhere(Inside):
    """Nothing at all."""

    def value(self, path: Path) -> Value:
        return NOTHING


def placed(outer: Inside, path: tuple[str, ...], inside: Inside) -> Inside:
    """What is inside the first field of a path, with something else at its end.

    outer   the documents before
    """
    if len(path) == 1:
        return inside
    below = Below(outer, path[:1])
    return Patched(below, {path[1]: placed(below, path[1:], inside)})


def inner(found: Value | Inside, rest: Path, path: Path) -> Value:
    """The value of a path inside something; `path` is the whole path, for explain.

    errors   NotLowered where that cannot be told
    """
    if isinstance(found, Inside):
        return found.value(rest)
    return within(found, rest, path)


def within(value: Value, rest: Path, path: Path) -> Value:
    """The value of a path inside a computed value, as columns have it: CROSSED where an array stands on the way.

    errors   NotLowered where that cannot be told
    """
    for at, name in enumerate(rest):
        if value.fields is not None:
            value = value.fields.get(name or "", NOTHING)
        elif value.kinds.isdisjoint({BsonType.OBJECT, BsonType.ARRAY}):
            return NOTHING
        else:
            origin = value.origin
            if origin is None or origin.within is None or origin.other != value.slots.get(OTHER):
                raise NotLowered(f"{shown(path)} leads into a computed value")
            return origin.within(rest[at:])
    return value


def seen(value: Value, rest: Path, path: Path) -> Value:
    """What an expression sees at a path inside a computed value: through arrays an array of what their documents hold.

    errors   NotLowered where that cannot be told
    """
    for at, name in enumerate(rest):
        if value.fields is not None:
            value = value.fields.get(name or "", NOTHING)
        elif BsonType.ARRAY not in value.kinds:
            found = within(value, rest[at:], path)
            if CROSSED in found.kinds:
                raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
            return found
        else:
            arrays = array_of(gathered(elements_of(value), rest[at:]))
            if BsonType.OBJECT not in value.kinds:
                return either([(value.is_kind(BsonType.ARRAY), arrays)], NOTHING)
            if len(rest) > at + 1:
                raise NotLowered(f"{shown(path)} leads through arrays and documents")
            found = within(value, rest[at:], path)
            return either([(value.is_kind(BsonType.ARRAY), arrays)], without(found, CROSSED))
    return value


def through(found: Value, listing: Listing) -> Value:
    """The value of a path: where it is CROSSED, the array of what was found in the arrays on its way."""
    return either([(found.is_kind(CROSSED), array_of(listing))], without(found, CROSSED))

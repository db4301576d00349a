"""What a pipeline has done to documents that are not taken apart, in order: it is done again to those that come out.

Each step is the interpreter's own doing, with the values that the statement has computed in place of the expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.relational.sql import Sql
from amongo.aggregate.relational.values import Value

Document = dict[str, Any]
Tree = Mapping[str, "Value | Tree"]
"""Field name -> its value, or the tree below; in the order in which the fields are written."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A projection has left a part.

    choose   of a document, the interpreter's closure
    """

    choose: Callable[[Document], Document]


@dataclass(frozen=True, slots=True)
class Written:
    """Fields were given values, as $addFields does it: inside every element of an array on the way."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Unwound:
    """An array was taken apart.

    path      where it was
    position  of the element that is meant, from 0; NULL where nothing was taken apart
    index     where the position is written to; None for nowhere
    """

    path: tuple[str, ...]
    position: Sql
    index: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Joined:
    """Documents of another collection were put at a path, in place of what was there.

    ids          a LIST of record ids, or one record id, NULL for nothing
    is_array     whether it is a list
    """

    path: tuple[str, ...]
    collection: str
    ids: Sql
    is_array: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """A whole number was put at a path, in place of what stood in the way.

    number   a BIGINT, written as a long; NULL for null
    """

    path: tuple[str, ...]
    number: Sql


@dataclass(frozen=True, slots=True)
class Rooted:
    """The document inside at a path took the place of the whole."""

    path: tuple[str, ...]


Step = Chosen | Written | Unwound | Joined | Numbered | Rooted

"""A frame: the documents at one point of a pipeline, as rows of a relation and values of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from amongo.aggregate.relational.inside import Inside
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.sql import Sql, column, listed, sql
from amongo.aggregate.relational.steps import Step, Written
from amongo.aggregate.relational.values import NOTHING, Value
from amongo.engine.columns import Path
from amongo.values.types import BsonType

if TYPE_CHECKING:
    from amongo.aggregate.relational.stages.facet import Branch

RECORD_ID = "rid"
"""The column of record ids, in a relation of stored documents."""


@dataclass(frozen=True, slots=True)
class Key:
    """A part of an order.

    by              a column that is never NULL
    is_descending   the highest first
    """

    by: Sql
    is_descending: bool = False

    def sql(self) -> Sql:
        """As ORDER BY has it."""
        return sql("{} DESC" if self.is_descending else "{} ASC", self.by)


@dataclass(frozen=True, slots=True)
class Frame:
    """Documents as rows.

    relation    the rows
    is_stored   documents of the collection, by their record ids, but for what `steps` has done to them; otherwise
                documents that have `fields` and no others
    fields      top-level name -> value, in the order in which they come to stand in the document; NOTHING for one that
                is not there any more. Where there are steps the order is theirs
    order       the order of the documents; it is complete, no two rows are equal in it
    is_ordered  whether somebody has asked for this order ($sort); otherwise it is that in which they would have been
                found
    inner       top-level names of which no value is at hand -> what is inside them
    root        what all other names are found in; None for the collection's own documents, or for nothing if none are
                stored
    steps       what was done to the documents, in order; it is done again to those that come out
    base        the fields that documents of `fields` had before the steps; None before there is one
    names       all top-level names that the documents may have, in their order, where that is known all the same
    held        why these documents cannot come out, only go into stages that make others of them; "" if they can
    branches    of a $facet: what each of its pipelines makes of the documents; one document comes out
    narrowed    path -> a value that was found there, with what a $match has left of what it may be; it says nothing of
                another value that is found there later, and nothing any more where other documents come in
    """

    relation: Relation
    is_stored: bool
    fields: Mapping[str, Value] = field(default_factory=dict)
    order: tuple[Key, ...] = (Key(column(RECORD_ID)),)
    is_ordered: bool = False
    inner: Mapping[str, Inside] = field(default_factory=dict)
    root: Inside | None = None
    steps: tuple[Step, ...] = ()
    base: Mapping[str, Value] | None = None
    names: tuple[str, ...] | None = None
    held: str = ""
    branches: tuple[Branch, ...] = ()
    narrowed: Mapping[Path, Value] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the documents are those of the collection, unchanged."""
        return self.is_stored and not self.steps and not self.branches

    @property
    def is_known(self) -> bool:
        """Whether `fields` are all that the documents have, in this order."""
        return not self.is_stored and not self.steps and not self.inner and self.root is None

    def order_by(self) -> Sql:
        """The ORDER BY of its order."""
        return ordered(self.order)

    def where(self, condition: Sql) -> Frame:
        """The documents for which a condition (never NULL) holds."""
        return replace(self, relation=self.relation.where(condition))

    def setting(self, fields: Mapping[str, Value]) -> Frame:
        """The documents with other values of some top-level fields; one that was there keeps its place."""
        if self.is_known and not any(_may_be_missing(self.fields[name]) for name in fields if name in self.fields):
            return self.built({**self.fields, **fields})
        inner = {name: inside for name, inside in self.inner.items() if name not in fields}
        names = None if self.names is None else tuple(dict.fromkeys((*self.names, *fields)))
        if any(_may_be_missing(self.fields[name]) for name in fields if name in self.fields):
            names = None
        set_frame = self.stepped(Written(fields), fields={**self.fields, **fields}, inner=inner)
        return replace(set_frame, names=names)

    def stepped(self, *steps: Step, fields: Mapping[str, Value], inner: Mapping[str, Inside]) -> Frame:
        """The documents after more has been done to them.

        fields, inner   what is known of them then
        """
        base = self.fields if not self.is_stored and self.base is None else self.base
        return replace(self, steps=(*self.steps, *steps), base=base, fields=fields, inner=inner, names=None)

    def built(self, fields: Mapping[str, Value]) -> Frame:
        """Documents of these fields alone; those that are never there are left out."""
        kept = {name: value for name, value in fields.items() if value is not NOTHING}
        return replace(
            self, is_stored=False, fields=kept, inner={}, root=None, steps=(), base=None, names=None, held=""
        )


def _may_be_missing(value: Value) -> bool:
    return BsonType.MISSING in value.kinds


def ordered(keys: Iterable[Key]) -> Sql:
    """The ORDER BY of some keys; what is the same in every row orders nothing, and DuckDB refuses it."""
    telling = [key.sql() for key in keys if key.by.columns]
    return sql(" ORDER BY {}", listed(telling)) if telling else Sql("")

"""What the planner knows of the indexes of a collection, worked out once and kept beside it until they change.

Source: manual, Indexes; Multikey Indexes, "Multikey Index Bounds"; Sparse Indexes; Partial Indexes; Hidden Indexes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amongo.engine.indexes import ID_INDEX_NAME, Index, Secondary
from amongo.engine.records import Collection
from amongo.mql.index_keys import KeyMaker
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.planner.bounds.shape import PLACES, IndexShape, Kind, index_shape
from amongo.planner.id_index import IdIndex
from amongo.planner.plan_cache import PlanCache
from amongo.values.collation import collator as collator_of
from amongo.values.order import Collator, equal


class IndexFacts:
    """One secondary index.

    definition    as listIndexes shows it
    index         its entries
    name          its name
    number        its place among the indexes of the collection
    fields        of its key pattern
    parts         of each field, its components
    maker         what makes its keys
    collator      how its strings compare; None for by their bytes
    is_sparse     documents without any of its fields are not in it
    is_ordered    it has the values of all its fields in their order
    partial       what its documents match; None where it has all
    """

    __slots__ = (
        "_shape",
        "collator",
        "definition",
        "fields",
        "index",
        "is_ordered",
        "is_sparse",
        "maker",
        "name",
        "number",
        "partial",
        "parts",
    )

    def __init__(self, index: Index | IdIndex, number: int) -> None:
        definition: Mapping[str, Any] = index.definition
        pattern: Mapping[str, Any] = definition["key"]
        maker = index.maker
        assert isinstance(maker, KeyMaker)
        self.definition = definition
        self.index = index
        self.name = index.name
        self.number = number
        self.fields = tuple(pattern)
        self.parts = tuple(tuple(name.split(".")) for name in pattern)
        self.maker = maker
        self.collator: Collator | None = collator_of(definition.get("collation"))
        self.is_sparse = bool(definition.get("sparse"))
        partial = definition.get("partialFilterExpression")
        self.partial: MatchExpression | None = parse_filter(partial, collator=self.collator) if partial else None
        self._shape: tuple[Any, IndexShape] | None = None
        self.is_ordered = all(field.kind is Kind.ORDERED for field in self.shape.fields)

    @property
    def is_multikey(self) -> bool:
        """Whether some document has, or had, several keys."""
        return self.index.is_multikey

    @property
    def shape(self) -> IndexShape:
        """What bounds depend on: another one when the index becomes multikey."""
        index = self.index
        known = (index.multikey_paths, index.array_paths) if index.is_multikey else None
        if self._shape is not None and self._shape[0] == known:
            return self._shape[1]
        arrays: frozenset[Any] | None = None
        if known is not None and known[0] is not None:
            arrays = known[1] | {(number, part) for number, parts in enumerate(known[0]) for part in parts}
        shape = index_shape(
            self.definition,
            self.maker.directions,
            self.maker.collators,
            is_multikey=index.is_multikey,
            arrays=arrays,
        )
        self._shape = (known, shape)
        return shape


class Planning:
    """What is kept beside a collection.

    indexes       those that are not hidden, in the order of their making
    by_first      those by the field that they begin with
    first_names   the first components of these fields
    by_id         the index on `_id`, for branches of a `$or`; None for a clustered collection
    has_special   one of them is a wildcard, and may serve any field
    has_places    one of them is of places
    cache         what was found out about shapes of queries
    """

    __slots__ = ("by_first", "by_id", "cache", "first_names", "has_places", "has_special", "indexes", "secondary")

    def __init__(self, secondary: Secondary, collection: Collection) -> None:
        self.secondary = secondary
        self.by_id = IndexFacts(IdIndex(collection), -1) if ID_INDEX_NAME in collection.indexes else None
        found = [IndexFacts(index, number) for number, index in enumerate(secondary.indexes)]
        self.indexes = tuple(each for each in found if not each.definition.get("hidden"))
        self.by_first: dict[str, list[IndexFacts]] = {}
        for each in self.indexes:
            self.by_first.setdefault(each.fields[0], []).append(each)
        self.first_names = frozenset(name.partition(".")[0] for name in self.by_first)
        self.has_special = any("$**" in name for each in self.indexes for name in each.fields)
        self.has_places = any(field.kind in PLACES for each in self.indexes for field in each.shape.fields)
        self.cache = PlanCache()

    def usable(self, allowed: Sequence[Any] | None) -> Sequence[IndexFacts]:
        """The indexes that may be used.

        allowed   by name or key pattern; None for all
        """
        if allowed is None:
            return self.indexes
        patterns = [each for each in allowed if type(each) is dict]
        return [
            each
            for each in self.indexes
            if each.name in allowed or any(equal(each.definition["key"], pattern) for pattern in patterns)
        ]


def planning_of(collection: Collection) -> Planning | None:
    """What is known of a collection's secondary indexes; None if it has none."""
    secondary = collection.secondary
    if secondary is None:
        return None
    planning = collection.planning
    if isinstance(planning, Planning) and planning.secondary is secondary:
        return planning
    planning = Planning(secondary, collection)
    collection.planning = planning
    return planning

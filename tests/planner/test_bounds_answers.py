"""What a filter finds lies in the bounds of every index, and what bounds prove holds of everything in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from bson import Int64, MaxKey, MinKey, ObjectId, Regex
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.indexes import Entries, entry_of, key_of, record_id_of
from amongo.errors import ServerError
from amongo.mql.index_keys import key_maker
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.planner.bounds import (
    Bounds,
    IndexShape,
    id_bounds,
    index_bounds,
    index_shape,
    placed_predicates,
    whole_bounds,
)
from amongo.values.collation import Options
from amongo.values.collation import collator as collator_of
from amongo.values.deprecated import UNDEFINED
from amongo.values.key_bytes import key_bytes

Document = dict[str, Any]

CASELESS = Options("en", strength=2).document()

NUMBERS = [0, 1, 2, 2.5, Int64(2), -1, float("nan"), float("inf")]
STRINGS = ["a", "ab", "A", "b"]
OTHERS = [None, True, False, MinKey(), MaxKey(), ObjectId("0" * 24), Regex("^a"), b"x", UNDEFINED]
SCALARS = st.sampled_from([*NUMBERS, *STRINGS, *OTHERS])
NAMES = st.sampled_from(["a", "b", "c", "0"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)
PATHS = st.sampled_from(["a", "b", "c", "a.b", "a.c", "a.b.c", "a.0", "a.0.b", "a.1"])


def is_operand(value: Any) -> bool:
    return value is not UNDEFINED


def is_compared(value: Any) -> bool:
    return value is not UNDEFINED and type(value) is not Regex


OPERANDS = (SCALARS | VALUES).filter(is_operand)
COMPARED = OPERANDS.filter(is_compared)
PATTERNS = st.sampled_from(["^a", "^ab", "a", "^A", "^a.*", "^(a|b)", "^a+", "b$"])
TYPES = st.sampled_from(["int", "number", "string", "object", "array", "null", "undefined", "bool", "regex", "minKey"])

RANGES = st.dictionaries(st.sampled_from(["$gt", "$lt", "$gte", "$lte"]), COMPARED, min_size=1, max_size=2)
PLAIN = st.one_of(
    RANGES,
    *(COMPARED.map(lambda value, name=name: {name: value}) for name in ("$eq", "$ne")),
    *(st.lists(OPERANDS, max_size=3).map(lambda values, name=name: {name: values}) for name in ("$in", "$nin")),
    st.booleans().map(lambda value: {"$exists": value}),
    TYPES.map(lambda value: {"$type": value}),
    PATTERNS.map(lambda value: {"$regex": value}),
    st.just({"$mod": [2, 0]}),
    st.lists(COMPARED, max_size=2).map(lambda values: {"$all": values}),
    st.integers(0, 2).map(lambda value: {"$size": value}),
)
ELEMENTS = PLAIN.map(lambda value: {"$elemMatch": value}) | st.dictionaries(
    NAMES, COMPARED | PLAIN, min_size=1, max_size=2
).map(lambda value: {"$elemMatch": value})
CONDITIONS = PLAIN | ELEMENTS | (PLAIN | ELEMENTS).map(lambda value: {"$not": value})


@st.composite
def filters(draw: Any, paths: st.SearchStrategy[str]) -> Document:
    """A filter, most of whose paths are those of an index."""
    conditions = st.dictionaries(paths, COMPARED | CONDITIONS, min_size=1, max_size=2)
    filter: Document = draw(conditions)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        filter["$or"] = draw(st.lists(conditions, min_size=1, max_size=2))
    elif kind == 1:
        filter["$nor"] = draw(st.lists(conditions, min_size=1, max_size=2))
    elif kind == 2:
        filter["$and"] = draw(st.lists(conditions, min_size=1, max_size=2))
    elif kind == 3:
        sides = [f"${draw(paths)}", {"$literal": draw(VALUES)}]
        operator = draw(st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte"]))
        filter["$expr"] = {operator: sides if draw(st.booleans()) else sides[::-1]}
    elif kind == 4:
        names = st.sampled_from(["b", "c", "0"])
        filter["a"] = {"$elemMatch": draw(st.dictionaries(names, COMPARED | CONDITIONS, min_size=2, max_size=2))}
    return filter


KEYS = st.dictionaries(PATHS, st.sampled_from([1, -1]), min_size=1, max_size=3)
WILDCARDS = st.sampled_from(
    [{"$**": 1}, {"a.$**": 1}, {"b": 1, "a.$**": 1}, {"a.$**": -1, "b": -1}, {"$**": -1}, {"c": -1, "$**": 1}]
)


@st.composite
def definitions(draw: Any) -> Document:
    definition: Document = {"v": 2, "name": "x", "key": draw(KEYS | WILDCARDS)}
    if any(name.endswith("$**") for name in definition["key"]):
        if "$**" in definition["key"] and draw(st.booleans()):
            definition["wildcardProjection"] = draw(
                st.sampled_from([{"a": 1}, {"a.b": 0}, {"a": 0}, {"a.b": 1, "c": 1}])
            )
    elif draw(st.booleans()):
        definition["sparse"] = True
    elif len(definition["key"]) == 1 and draw(st.booleans()):
        definition["key"] = dict.fromkeys(definition["key"], "hashed")
    if draw(st.integers(0, 3)) == 0:
        definition["collation"] = CASELESS
    return definition


class Built:
    """An index of some documents; their record ids are their places, from 1 on."""

    def __init__(self, definition: Document, documents: Iterable[Document], *, knows_paths: bool) -> None:
        maker = key_maker(definition)
        self.maker = maker
        self.entries = Entries()
        self.documents: dict[int, Document] = {}
        is_multikey = False
        arrays: frozenset[Any] = frozenset()
        for document in documents:
            try:
                made = maker.keys(document)
            except ServerError:
                continue
            record_id = len(self.documents) + 1
            self.documents[record_id] = document
            is_multikey = is_multikey or made.is_multikey
            for key, types in made.keys.items():
                self.entries.add(entry_of(key, record_id, types))
            arrays |= made.arrays
        self.shape: IndexShape = index_shape(
            definition,
            maker.directions,
            maker.collators,
            is_multikey=is_multikey,
            arrays=arrays if knows_paths else None,
        )

    def in_bounds(self, bounds: Bounds) -> list[bytes]:
        """The keys of the entries whose values lie in the intervals, looked at one by one."""
        found = {}
        for record_id, document in self.documents.items():
            if self.maker.accepts is not None and not self.maker.accepts(document):
                continue
            for combination in self.maker.combinations(document):
                values = zip(bounds.fields, combination.values, strict=True)
                if all(field.intervals.holds(_key(value, field.collator)) for field, value in values):
                    key = self.maker.key(combination.values)
                    found[entry_of(key, record_id)] = key
        return sorted(found.values())

    def decided_by(self, bounds: Bounds, root: MatchExpression, number: int) -> set[int]:
        """The records for which some key in the bounds has a value that a predicate on one field finds."""
        names = [name for name in bounds.texts() if name != "$_path"]
        place = list(bounds.texts()).index(names[number])
        test = root.value_test()
        found = set()
        for record_id, document in self.documents.items():
            for combination in self.maker.combinations(document):
                values = zip(bounds.fields, combination.values, strict=True)
                if test(combination.values[place]) and all(
                    field.intervals.holds(_key(value, field.collator)) for field, value in values
                ):
                    found.add(record_id)
        return found


def found_by(root: MatchExpression, built: Built, record_ids: set[int]) -> set[int]:
    matches = root.bind()
    return {record_id for record_id in record_ids if matches(built.documents[record_id])}


def _key(value: Any, collator: Any) -> bytes:
    return key_bytes(value, collator)


class Counts:
    def __init__(self) -> None:
        self.keys = self.seeks = 0


@st.composite
def cases(draw: Any) -> tuple[list[Document], Document, Document, bool, bool]:
    definition = draw(definitions())
    own = [name for name in definition["key"] if "$" not in name]
    own += [] if len(own) == len(definition["key"]) else ["a", "a.b", "b"]
    found = filters(st.sampled_from(own) | PATHS)
    return draw(st.lists(DOCUMENTS, max_size=8)), draw(found), definition, draw(st.booleans()), draw(st.booleans())


@given(cases())
@settings(max_examples=250)
def test_bounds_hold_what_a_filter_finds(case: tuple[list[Document], Document, Document, bool, bool]) -> None:
    check(*case)


def check(
    documents: list[Document], filter: Document, definition: Document, knows_paths: bool, is_collated: bool
) -> None:
    built = Built(definition, documents, knows_paths=knows_paths)
    collator = collator_of(CASELESS) if is_collated else None
    expression = parse_filter(filter, collator=collator)
    matches = expression.bind()
    found = {record_id for record_id, document in built.documents.items() if matches(document)}
    placed = placed_predicates(expression, collator)
    view = built.entries.view()
    for way in index_bounds(built.shape, placed):
        entries = list(way.bounds.scan(view))
        assert [key_of(entry) for entry in entries] == built.in_bounds(way.bounds)
        assert list(way.bounds.scan(view, is_backward=True)) == entries[::-1]
        assert list(way.bounds.scan(view, counts=Counts())) == entries
        assert list(way.bounds.scan(view, is_backward=True, counts=Counts())) == entries[::-1]
        assert all(entry.startswith(way.bounds.prefix) for entry in entries)
        record_ids = set(map(record_id_of, entries))
        if way.is_complete:
            assert found <= record_ids, way.bounds.texts()
        proofs = [(root, root.bind()) for root in way.proved]
        for record_id in record_ids:
            for root, holds in proofs:
                assert holds(built.documents[record_id]), (root, way.bounds.texts())
        for root in way.covered:
            fields = [number for number, of_field in enumerate(way.bounded) if any(root is e.root for e, _ in of_field)]
            assert built.decided_by(way.bounds, root, fields[0]) == found_by(root, built, record_ids), root
    assert list(whole_bounds(built.shape).scan(view)) == list(view)


# (case, key pattern, whether it is sparse, documents, filter): what once went wrong, or easily could
REMEMBERED: list[tuple[str, Document, bool, list[Document], Document]] = [
    ("two elements, one range", {"a": 1}, False, [{"a": [1, 10]}], {"a": {"$gt": 5, "$lt": 7}}),
    ("no element equal", {"a": 1}, False, [{"a": [1, 2]}, {"a": [2]}], {"a": {"$ne": 1}}),
    ("an empty array", {"a": 1}, False, [{"a": []}, {"a": [[]]}], {"a": []}),
    ("not null, behind scalars", {"a.b": 1}, False, [{"a": [1]}, {"a": {"b": 1}}], {"a.b": {"$ne": None}}),
    ("not null, behind scalars, sparse", {"a.b": 1}, True, [{"a": [1]}, {"a": []}], {"a.b": {"$ne": None}}),
    ("an expression, behind scalars, sparse", {"a.b": 1}, True, [{"a": [1]}], {"$expr": {"$gt": ["$a.b", "a"]}}),
    ("an element and a place", {"a.0": 1}, False, [{"a": [{"x": 1}]}], {"a.0": None}),
    ("an array in an array, by place", {"a.0": 1}, False, [{"a": [[5]]}], {"a": {"$elemMatch": {"0": 5}}}),
    ("elements at a place", {"a.0": 1}, False, [{"a": [[5]]}], {"a.0": {"$elemMatch": {"$gt": 1}}}),
    ("two elements, two fields", {"a.b": 1, "a.c": 1}, False, [{"a": [{"b": 1}, {"c": 2}]}], {"a.b": 1, "a.c": 2}),
    ("an array above MinKey", {"a": 1}, False, [{"a": [MinKey()]}], {"a": {"$gt": MinKey()}}),
    ("an array below an array", {"a": 1}, False, [{"a": [[MaxKey()]]}], {"a": {"$lte": [[MaxKey()]]}}),
    ("missing below null", {"a": 1}, False, [{}], {"$expr": {"$lt": ["$a", None]}}),
    ("missing above MinKey", {"a": 1}, False, [{}], {"$expr": {"$gt": ["$a", MinKey()]}}),
    ("below a path", {"$**": 1}, False, [{"a": {"b": 1}}], {"a": {"$exists": True}}),
    ("a document of a path", {"$**": 1}, False, [{"a": {"b": 1}}], {"a": {"$type": "object"}}),
    ("null below a path", {"$**": 1}, False, [{"a": {"b": None}}], {"a": {"$ne": None}}),
    ("a place of a path", {"$**": 1}, False, [{"a": [1, 2]}], {"a.1": 2}),
    ("a place on a path", {"$**": 1}, False, [{"a": [[{"b": 1}]]}], {"a.0.b": 1}),
    ("a place in the root", {"a.0.$**": 1}, False, [{"a": [{"b": 2}]}], {"a.0.b": 2}),
]


@pytest.mark.parametrize("knows_paths", [True, False])
@pytest.mark.parametrize(
    ("key", "is_sparse", "documents", "filter"), [case[1:] for case in REMEMBERED], ids=[case[0] for case in REMEMBERED]
)
def test_remembered(
    key: Document, is_sparse: bool, documents: list[Document], filter: Document, knows_paths: bool
) -> None:
    definition = {"v": 2, "name": "x", "key": key, **({"sparse": True} if is_sparse else {})}
    check([*documents, {"b": 1}], filter, definition, knows_paths, False)


@given(st.lists(SCALARS.filter(is_compared) | st.dictionaries(NAMES, SCALARS, max_size=2), max_size=8), PLAIN)
@settings(max_examples=100)
def test_bounds_on_ids(ids: list[Any], condition: Document) -> None:
    expression = parse_filter({"_id": condition})
    matches = expression.bind()
    found = id_bounds(expression, None, None)
    if found is None:
        return
    for value in ids:
        is_in = found.bounds.fields[0].intervals.holds(key_bytes(value))
        assert is_in == any(low <= key_bytes(value) + b"\0" < high for low, high in found.bounds.ranges())
        assert is_in or not matches({"_id": value})
        if is_in:
            assert all(root.bind()({"_id": value}) for root in found.proved)

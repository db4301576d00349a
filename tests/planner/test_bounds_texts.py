"""The bounds of an index as explain shows them, one predicate after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from amongo.mql.index_keys import key_maker
from amongo.mql.matcher import parse_filter
from amongo.planner.bounds import IndexBounds, Kind, index_bounds, index_shape, placed_predicates
from amongo.values.codec import decode, encode
from amongo.values.collation import Options

Document = dict[str, Any]

OID = ObjectId("5f0000000000000000000001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALL = ["[MinKey, MaxKey]"]


def canonical(filter: Document) -> Document:
    return decode(encode(filter))


def ways(
    key: Document,
    filter: Document,
    *,
    arrays: frozenset[Any] | None = frozenset(),
    query_collation: Document | None = None,
    **options: Any,
) -> list[IndexBounds]:
    """The ways to bound an index. arrays: where arrays are; None for anywhere"""
    definition = {"v": 2, "name": "x", "key": key, **options}
    maker = key_maker(definition)
    shape = index_shape(
        definition, maker.directions, maker.collators, is_multikey=arrays is None or bool(arrays), arrays=arrays
    )
    collator = Options(**query_collation).document() if query_collation else None
    from amongo.values.collation import collator as collator_of

    strings = collator_of(collator)
    return index_bounds(shape, placed_predicates(parse_filter(canonical(filter), collator=strings), strings))


# (case, the condition on the field, its intervals, whether they prove it)
CONDITIONS: list[tuple[str, Any, list[str], bool]] = [
    ("equal", 1, ["[1, 1]"], True),
    ("equal to a double", 1.0, ["[1.0, 1.0]"], True),
    ("equal to a decimal", Decimal128("1.5"), ["[1.5, 1.5]"], True),
    ("equal to a string", "a", ['["a", "a"]'], True),
    ("equal to null", None, ["[null, null]"], True),
    ("equal to a document", {"x": 1}, ["[{ x: 1 }, { x: 1 }]"], True),
    ("equal to an id", OID, [f"[ObjectId('{OID}'), ObjectId('{OID}')]"], True),
    ("equal to a regular expression", {"$eq": Regex("^a")}, ["[/^a/, /^a/]"], True),
    ("equal to NaN", float("nan"), ["[nan.0, nan.0]"], True),
    ("equal to MinKey", MinKey(), ["[MinKey, MinKey]"], True),
    ("above", {"$gt": 5}, ["(5, inf.0]"], True),
    ("from", {"$gte": Int64(5)}, ["[5, inf.0]"], True),
    ("below", {"$lt": 5}, ["[-inf.0, 5)"], True),
    ("up to", {"$lte": 5.5}, ["[-inf.0, 5.5]"], True),
    ("between", {"$gte": 1, "$lt": 5}, ["[1, 5)"], True),
    ("between nothing", {"$gt": 5, "$lt": 1}, [], True),
    ("above NaN", {"$gt": float("nan")}, [], True),
    ("from NaN", {"$gte": float("nan")}, ["[nan.0, nan.0]"], True),
    ("above null", {"$gt": None}, [], True),
    ("from null", {"$gte": None}, ["[null, null]"], True),
    ("above MinKey", {"$gt": MinKey()}, ["(MinKey, MaxKey]"], True),
    ("below MaxKey", {"$lt": MaxKey()}, ["[MinKey, MaxKey)"], True),
    ("below MinKey", {"$lt": MinKey()}, [], True),
    ("up to MinKey", {"$lte": MinKey()}, ["[MinKey, MinKey]"], True),
    ("above a string", {"$gt": "b"}, ['("b", {})'], True),
    ("below a string", {"$lt": "b"}, ['["", "b")'], True),
    ("above a document", {"$gt": {"x": 1}}, ["({ x: 1 }, [])"], True),
    ("below a document", {"$lt": {"x": 1}}, ["[{}, { x: 1 })"], True),
    ("above false", {"$gt": False}, ["(false, true]"], True),
    ("below an id", {"$lt": OID}, [f"[ObjectId('{'0' * 24}'), ObjectId('{OID}'))"], True),
    ("above a date", {"$gt": EPOCH}, ["(new Date(0), new Date(9223372036854775807)]"], True),
    ("above a timestamp", {"$gt": Timestamp(1, 2)}, ["(Timestamp(1, 2), Timestamp(4294967295, 4294967295)]"], True),
    ("below binary", {"$lt": b"\x01"}, ["[BinData(0, ), BinData(0, 01))"], True),
    ("above binary", {"$gt": b"\x01"}, [f"(BinData(0, 01), ObjectId('{'0' * 24}'))"], True),
    ("above code", {"$gt": Code("x")}, ["(x, CodeWScope( , {}))"], True),
    ("one of some", {"$in": [3, 1, "x", 1.0]}, ["[1, 1]", "[3, 3]", '["x", "x"]'], True),
    ("one of none", {"$in": []}, [], True),
    ("one of some with null", {"$in": [1, None]}, ["[null, null]", "[1, 1]"], True),
    ("one of some expressions", {"$in": [Regex("^a"), "b"]}, ['["a", "b")', '["b", "b"]', "[/^a/, /^a/]"], True),
    ("not equal", {"$ne": 5}, ["[MinKey, 5)", "(5, MaxKey]"], True),
    ("not null", {"$ne": None}, ["[MinKey, null)", "(null, MaxKey]"], True),
    ("none of some", {"$nin": [1, 2]}, ["[MinKey, 1)", "(1, 2)", "(2, MaxKey]"], True),
    ("not above", {"$not": {"$gt": 5}}, ["[MinKey, 5]", "(inf.0, MaxKey]"], True),
    ("not MinKey", {"$ne": MinKey()}, ["(MinKey, MaxKey]"], True),
    ("exists", {"$exists": True}, ALL, False),
    ("does not exist", {"$exists": False}, ["[null, null]"], False),
    ("prefix", Regex("^ab"), ['["ab", "ac")', "[/^ab/, /^ab/]"], True),
    ("prefix of a longer expression", Regex("^ab.*c"), ['["ab", "ac")', "[/^ab.*c/, /^ab.*c/]"], False),
    ("prefix with an optional end", Regex("^ab*"), ['["a", "b")', "[/^ab*/, /^ab*/]"], False),
    ("prefix with a repeated end", Regex("^ab+"), ['["ab", "ac")', "[/^ab+/, /^ab+/]"], False),
    ("prefix with an escape", Regex(r"^a\.b"), ['["a.b", "a.c")', r"[/^a\.b/, /^a\.b/]"], True),
    ("prefix at the beginning of the subject", Regex(r"\Aab"), ['["ab", "ac")', r"[/\Aab/, /\Aab/]"], True),
    ("any line", Regex("^ab", "m"), ['["", {})', "[/^ab/m, /^ab/m]"], False),
    ("any case", Regex("^ab", "i"), ['["", {})', "[/^ab/i, /^ab/i]"], False),
    ("a choice", Regex("^a|b"), ['["", {})', "[/^a|b/, /^a|b/]"], False),
    ("no prefix", Regex("ab"), ['["", {})', "[/ab/, /ab/]"], False),
    ("type string", {"$type": "string"}, ['["", {})'], False),
    ("type number", {"$type": "number"}, ["[nan.0, inf.0]"], True),
    ("type int", {"$type": "int"}, ["[nan.0, inf.0]"], False),
    ("type date", {"$type": "date"}, ["[new Date(-9223372036854775808), new Date(9223372036854775807)]"], True),
    ("type null", {"$type": "null"}, ["[null, null]"], False),
    ("type array", {"$type": "array"}, ALL, False),
    ("type bool", {"$type": "bool"}, ["[false, true]"], True),
    ("remainder", {"$mod": [4, 0]}, ["[nan.0, inf.0]"], False),
    ("array", [2, 1], ["[2, 2]", "[[ 2, 1 ], [ 2, 1 ]]"], False),
    ("empty array", {"$eq": []}, ["[undefined, undefined]", "[[], []]"], False),
]


@pytest.mark.parametrize(("condition", "texts", "is_proved"), [case[1:] for case in CONDITIONS], ids=lambda x: None)
def test_intervals_of_a_condition(condition: Any, texts: list[str], is_proved: bool) -> None:
    (way,) = ways({"a": 1}, {"a": condition})
    assert way.bounds.texts() == {"a": texts}
    assert bool(way.proved) == is_proved


@pytest.mark.parametrize(
    ("condition", "texts"),
    [
        (5, ["[5, 5]"]),
        ({"$gt": 5}, ["[inf.0, 5)"]),
        ({"$gte": 1, "$lt": 9}, ["(9, 1]"]),
        ({"$in": [1, 2]}, ["[2, 2]", "[1, 1]"]),
        ({"$ne": 5}, ["[MaxKey, 5)", "(5, MinKey]"]),
        (Regex("^a"), ["[/^a/, /^a/]", '("b", "a"]']),
        ({"$exists": True}, ["[MaxKey, MinKey]"]),
    ],
)
def test_a_descending_field_has_its_intervals_backwards(condition: Any, texts: list[str]) -> None:
    (way,) = ways({"a": -1}, {"a": condition})
    assert way.bounds.texts() == {"a": texts}


# (case, key pattern, filter, bounds)
COMPOUND: list[tuple[str, Document, Document, Document]] = [
    ("both fields", {"a": 1, "b": -1}, {"a": 1, "b": {"$gt": 3}}, {"a": ["[1, 1]"], "b": ["[inf.0, 3)"]}),
    ("the first alone", {"a": 1, "b": 1}, {"a": 1}, {"a": ["[1, 1]"], "b": ALL}),
    ("the last alone", {"a": 1, "b": 1}, {"b": 1}, {"a": ALL, "b": ["[1, 1]"]}),
    ("a disjunction of one field", {"a": 1}, {"$or": [{"a": 1}, {"a": {"$gt": 7}}]}, {"a": ["[1, 1]", "(7, inf.0]"]}),
    ("no conjunction", {"a": 1}, {"$nor": [{"a": 1}]}, {"a": ["[MinKey, 1)", "(1, MaxKey]"]}),
    ("a constant of an expression", {"a": 1}, {"$expr": {"$gt": ["$a", 5]}}, {"a": ["(5, MaxKey]"]}),
    ("turned", {"a": 1}, {"$expr": {"$gt": [5, "$a"]}}, {"a": ["[MinKey, 5)"]}),
    ("several of an expression", {"a": 1, "b": 1}, {"$expr": {"$and": [{"$eq": ["$a", 1]}, {"$lte": ["$b", 2]}]}},
     {"a": ["[1, 1]"], "b": ["[MinKey, 2]"]}),
    ("hash", {"a": "hashed"}, {"a": 1}, {"a": ["[5902408780260971510, 5902408780260971510]"]}),
    ("no hash of a range", {"a": "hashed"}, {"a": {"$gt": 1}}, {"a": ALL}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "filter", "texts"), [case[1:] for case in COMPOUND], ids=[c[0] for c in COMPOUND])
def test_bounds_of_several_fields(key: Document, filter: Document, texts: Document) -> None:
    assert [way.bounds.texts() for way in ways(key, filter)] == [texts]


A, A_B, A_C = (0, 0), (0, 1), (1, 1)

# (case, key pattern, filter, arrays, the bounds of each way)
MULTIKEY: list[tuple[str, Document, Document, Any, list[Document]]] = [
    ("one of two", {"a": 1}, {"a": {"$gt": 3, "$lt": 9}}, {A}, [{"a": ["(3, inf.0]"]}, {"a": ["[-inf.0, 9)"]}]),
    ("both of one element", {"a": 1}, {"a": {"$elemMatch": {"$gt": 3, "$lt": 9}}}, {A}, [{"a": ["(3, 9)"]}]),
    ("an array elsewhere", {"a": 1, "b": 1}, {"a": {"$gt": 3, "$lt": 9}, "b": 2}, {(1, 0)},
     [{"a": ["(3, 9)"], "b": ["[2, 2]"]}]),
    ("fields of one array", {"a.b": 1, "a.c": 1}, {"a.b": 1, "a.c": 2}, {A, (1, 0)},
     [{"a.b": ["[1, 1]"], "a.c": ALL}]),
    ("fields of one element", {"a.b": 1, "a.c": 1}, {"a": {"$elemMatch": {"b": 1, "c": 2}}}, {A, (1, 0)},
     [{"a.b": ["[1, 1]"], "a.c": ["[2, 2]"]}]),
    ("an array at the end of one field", {"a.b": 1, "a.c": 1}, {"a.b": 1, "a.c": 2}, {A_B},
     [{"a.b": ["[1, 1]"], "a.c": ["[2, 2]"]}]),
    ("two elements", {"a.b": 1}, {"$and": [{"a": {"$elemMatch": {"b": {"$gt": 1}}}}, {"a": {"$elemMatch": {"b": 5}}}]},
     {A}, [{"a.b": ["[5, 5]"]}, {"a.b": ["(1, inf.0]"]}]),
    ("all", {"a": 1}, {"a": {"$all": [1, 2]}}, {A}, [{"a": ["[1, 1]"]}, {"a": ["[2, 2]"]}]),
    ("arrays anywhere", {"a": 1, "b": 1}, {"a": {"$gt": 3, "$lt": 9}, "b": 2}, None,
     [{"a": ["(3, inf.0]"], "b": ["[2, 2]"]}, {"a": ["[-inf.0, 9)"], "b": ["[2, 2]"]}]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "filter", "arrays", "texts"), [c[1:] for c in MULTIKEY], ids=[c[0] for c in MULTIKEY])
def test_bounds_of_fields_with_arrays(key: Document, filter: Document, arrays: Any, texts: list[Document]) -> None:
    found = ways(key, filter, arrays=None if arrays is None else frozenset(arrays))
    assert [way.bounds.texts() for way in found] == texts


# (case, key pattern, filter, the bounds of each way)
WILDCARD: list[tuple[str, Document, Document, list[Document]]] = [
    ("a path", {"$**": 1}, {"a.b": 5}, [{"$_path": ['["a.b", "a.b"]'], "a.b": ["[5, 5]"]}]),
    ("what is below it", {"$**": 1}, {"a": {"$exists": True}},
     [{"$_path": ['["a", "a"]', '["a.", "a/")'], "a": ALL}]),
    ("one of two paths", {"$**": 1}, {"a": 1, "b": {"$lt": 2}},
     [{"$_path": ['["a", "a"]'], "a": ["[1, 1]"]}, {"$_path": ['["b", "b"]'], "b": ["[-inf.0, 2)"]}]),
    ("a path of its own", {"a.$**": 1}, {"b": 1}, []),
    ("_id", {"$**": 1}, {"_id": 1}, []),
    ("null", {"$**": 1}, {"a": None}, []),
    ("a document", {"$**": 1}, {"a": {"x": 1}}, []),
    ("beside another field", {"b": 1, "a.$**": 1}, {"b": 2, "a.x": 3},
     [{"b": ["[2, 2]"], "$_path": ['["a.x", "a.x"]'], "a.x": ["[3, 3]"]},
      {"b": ["[2, 2]"], "$_path": ALL, "a.$**": ALL}]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "filter", "texts"), [case[1:] for case in WILDCARD], ids=[c[0] for c in WILDCARD])
def test_bounds_of_wildcards(key: Document, filter: Document, texts: list[Document]) -> None:
    assert [way.bounds.texts() for way in ways(key, filter)] == texts


CASELESS = {"locale": "en", "strength": 2}


@pytest.mark.parametrize("filter", [{"a": "x"}, {"a": {"$gt": "x"}}, {"a": {"$in": ["x", 1]}}, {"a": {"b": "x"}}])
def test_strings_are_not_bounded_where_the_index_compares_them_otherwise(filter: Document) -> None:
    collated = Options("en", strength=2).document()
    for found in (ways({"a": 1}, filter, collation=collated), ways({"a": 1}, filter, query_collation=CASELESS)):
        assert [way.bounds_first for way in found] == [False]
    (way,) = ways({"a": 1}, filter, collation=collated, query_collation=CASELESS)
    assert way.bounds_first and way.proved


def test_numbers_are_bounded_whatever_the_collation() -> None:
    (way,) = ways({"a": 1}, {"a": {"$gt": 1}}, collation=Options("en", strength=2).document())
    assert way.bounds.texts() == {"a": ["(1, inf.0]"]}


def test_strings_of_a_collation_show_as_sort_keys() -> None:
    (way,) = ways({"a": 1}, {"a": "x"}, collation=Options("en", strength=2).document(), query_collation=CASELESS)
    (text,) = way.bounds.texts()["a"]
    first, last = text[1:-1].split(", ")
    assert first == last and first.startswith("CollationKey(0x")


# (filter, whether a sparse index on a has whatever it finds)
SPARSE: list[tuple[Document, bool]] = [
    ({"a": 1}, True),
    ({"a": {"$gt": 1}}, True),
    ({"a": {"$exists": True}}, True),
    ({"a": {"$ne": None}}, True),
    ({"a": None}, False),
    ({"a": {"$in": [1, None]}}, False),
    ({"a": {"$ne": 1}}, False),
    ({"a": {"$exists": False}}, False),
    ({"b": 1}, False),
]


@pytest.mark.parametrize(("filter", "is_complete"), SPARSE)
def test_a_sparse_index_serves_what_is_not_missing(filter: Document, is_complete: bool) -> None:
    (way,) = ways({"a": 1}, filter, sparse=True)
    assert way.is_complete == is_complete
    assert bool(way.proved) == (is_complete or (filter.get("a", 0) != {"$exists": False} and "b" not in filter))


def test_a_name_like_a_wildcard_beside_hashes_is_a_field() -> None:
    definition = {"v": 2, "key": {"a": "hashed", "$**": 1}, "name": "x"}
    maker = key_maker(definition)
    shape = index_shape(definition, maker.directions, maker.collators, is_multikey=False)
    assert [field.kind for field in shape.fields] == [Kind.HASHED, Kind.ORDERED]
    assert shape.wildcard is None

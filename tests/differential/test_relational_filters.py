"""Filters, comparisons and orders: the interpreter against columns."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.aggregate.relational.matching.membership import long_list
from amongo.aggregate.relational.matching.patterns import search
from amongo.aggregate.relational.sql import column, sql
from amongo.aggregate.relational.values import NotLowered
from amongo.engine.columns import DATE, DOUBLE, OBJECT_ID, STRING, WHOLE
from amongo.errors import ServerError
from amongo.mql.patterns import compile_pattern
from amongo.runtime.interrupts import NEVER
from tests.differential.relational_cases import ENGINE, assert_refused, assert_same

Document = dict[str, Any]

NAN, INFINITY = float("nan"), float("inf")
INTS = [0, 1, 2, 5, -1, 2**31 - 1, -(2**31)]
LONGS = [Int64(each) for each in (0, 1, 5, 2**53, 2**53 + 1, -(2**53) - 1, 2**62 + 1, 2**63 - 1, -(2**63))]
DOUBLES = [
    0.0,
    -0.0,
    1.0,
    1.5,
    2.5,
    -1.5,
    2.0**53,
    2.0**53 + 2,
    2.0**63,
    -(2.0**63),
    1e300,
    5e-324,
    INFINITY,
    -INFINITY,
]
STRINGS = ["", "a", "ab", "abc", "Abc", "b", "a\0b", "abc\n", "é", "\uffff", "\U0001f600", 'it\'s "q"']
DATES = [DatetimeMS(each) for each in (0, 1, -62135596800000, 253402300799999)]
IDS = [ObjectId(each * 12) for each in (b"\0", b"a", b"\xff")]
SCALARS = [None, *INTS, *LONGS, *DOUBLES, NAN, *STRINGS, True, False, *DATES, *IDS]
DECIMALS = [
    Decimal128(each)
    for each in ("1", "1.5", "0.1", "NaN", "1E+400", "-1E+400", "1E-400", "-Infinity", "9007199254740993", "-2.0")
] + [Decimal128("9223372036854775807.5")]
BYTES = [b"", Binary(b"ab"), Binary(b"abc"), Binary(b"x" * 16, 4), Binary(b"ab", 2), Timestamp(1, 2), Timestamp(2, 1)]
EXTREMES = [MinKey(), MaxKey()]
NESTED = [{}, {"a": 1}, [], [1], ["a", "b"], [None], [1, "a"], [[1]], [{"a": 1}], [{"a": "x", "b": 2}, {"b": 2.0}]]
OPERANDS = [*SCALARS, *DECIMALS, *BYTES, *EXTREMES, *NESTED]

GROUPS = {
    "ints": INTS,
    "longs": [*LONGS, None],
    "doubles": [*DOUBLES, NAN],
    "numbers": [*INTS, *LONGS, *DOUBLES, NAN, None],
    "small numbers": [1, Int64(2), 2.5, 0.0, None],
    "strings": STRINGS,
    "strings and null": [*STRINGS, None],
    "bools": [True, False, None],
    "dates": DATES,
    "ids": [*IDS, None],
    "bytes": BYTES,
    "all scalars": [*SCALARS, *BYTES, *EXTREMES],
}
"""Values that a field may have together."""


def fields(values: list[Any], *, has_missing: bool = True) -> list[Document]:
    """A document for each value of `a`, and one without."""
    documents = [{"_id": number, "a": value} for number, value in enumerate(values)]
    return [*documents, {"_id": -1}] if has_missing else documents


# Comparison


@pytest.mark.parametrize("operator", ["$eq", "$gt", "$gte", "$lt", "$lte"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_value_is_compared_with_every_operand(group: str, operator: str) -> None:
    operands = [each for each in OPERANDS if operator == "$eq" or type(each) not in (Timestamp, list)]
    if group == "all scalars":
        operands = operands[::2] if operator == "$eq" else operands[1::3]
    else:
        near = {type(each) for each in GROUPS[group]}
        near |= {Decimal128} if near & {int, Int64, float} else set()
        operands = [each for each in operands if type(each) in near] + [None, 1, "a", MinKey(), MaxKey(), {}]
    pairs = product(range(len(operands)), GROUPS[group])
    documents = [{"_id": number, "o": place, "a": value} for number, (place, value) in enumerate(pairs)]
    branches = [{"o": place, "a": {operator: operand}} for place, operand in enumerate(operands)]
    for name in ("$or", "$nor") if operator == "$gt" else ("$or",):
        assert_same(documents, [{"$match": {name: branches}}], stages=1)


LOWERED = {
    "an int": ({"a": 5}, [5, 5.0, Int64(5), 4, None, "5"]),
    "beyond 2**53": ({"a": {"$gt": 2.0**53}}, [Int64(2**53), Int64(2**53 + 1), 2.0**53, 2.0**53 + 2]),
    "a long between two doubles": ({"a": {"$gte": Int64(2**53 + 1)}}, [2.0**53, 2.0**53 + 2, Int64(2**53 + 1)]),
    "a decimal between two numbers": ({"a": {"$lt": Decimal128("0.1")}}, [0, 1, 0.1, 0.09]),
    "a range": ({"a": {"$gte": 2, "$lt": 9}}, [1, 2, 8.5, 9, None]),
    "null finds what is missing": ({"a": None}, [None, 0]),
    "not null": ({"a": {"$ne": None}}, [None, 0]),
    "NaN": ({"a": {"$gte": NAN}}, [NAN, 1.0, INFINITY]),
    "below NaN there is nothing": ({"a": {"$lt": NAN}}, [NAN, 1.0, INFINITY]),
    "NaN is not above": ({"a": {"$gt": 0}}, [NAN, 1.0, INFINITY]),
    "a string": ({"a": {"$gt": "a\0"}}, STRINGS),
    "bytes": ({"a": {"$gt": Binary(b"ab")}}, BYTES[:5]),
    "a timestamp": ({"a": Timestamp(1, 2)}, BYTES),
    "the empty array": ({"a": []}, [[], [1], None, [[]]]),
    "the empty document": ({"a": {}}, [{}, {"b": 1}, None]),
    "an array": ({"a": [1, "x"]}, [[1, "x"], [1.0, "x"], ["x", 1], [1], 1]),
    "an element": ({"a": "x"}, [["x", "y"], ["y"], [], "x", None]),
    "not among the elements": ({"a": {"$ne": 1}}, [[1, 2], [1.0], [2], [], 1, None]),
    "above, in arrays": ({"a": {"$gt": 2.5}}, [[1, 2], [3, "x"], [], 3, [2.75]]),
    "in": ({"a": {"$in": [1, "x", None, 2.5]}}, [1, 1.0, "x", None, 2.5, 2, [1], ["y"]]),
    "not in": ({"a": {"$nin": [1, "x"]}}, [1, 1.0, "x", None, 2.5, 2, [1], ["y"]]),
    "in nothing": ({"a": {"$in": []}}, [1, None]),
    "in with patterns": ({"a": {"$in": [Regex("^a"), "b", 1]}}, ["abc", "b", "cab", 1]),
    "in many": ({"a": {"$in": [*range(0, 4000, 2), *(f"k{each}" for each in range(100))]}}, [2, 3, "k7", "k", 4.0]),
    "in many elements": ({"a": {"$in": [*range(100)]}}, [[200, 5], [300], 7, [5.5]]),
    "exists": ({"a": {"$exists": True}}, [None, 1, [], {}]),
    "does not exist": ({"a": {"$exists": False}}, [None, 1]),
    "a type": ({"a": {"$type": ["string", "null"]}}, [None, "x", 1, ["x"], [1]]),
    "an array by type": ({"a": {"$type": "array"}}, [None, [1], 1]),
    "mod": ({"a": {"$mod": [3, -1]}}, [-1, -4, 2, 5.9, -4.5, Int64(-(2**63)), INFINITY, NAN, "x", None]),
    "size": ({"a": {"$size": 2}}, [[1, 2], [1], [], "xx", None]),
    "size of none": ({"a": {"$size": 0}}, [[1, 2], [1], [], "", None]),
    "all": ({"a": {"$all": [1, 2]}}, [[1, 2, 3], [1], 1, [2.0, 1.0]]),
    "all bits set": ({"a": {"$bitsAllSet": [0, 63]}}, [-1, 1, 3.0, Int64(-(2**63) + 1), 1.5, "x"]),
    "any bit clear": ({"a": {"$bitsAnyClear": [0, 200]}}, [-1, 1, 3.0, 0, 1.5, 2.0**63]),
    "elements": ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, [[0, 5], [2], 2, [], ["x", 2.5]]),
    "an element that is not": ({"a": {"$elemMatch": {"$not": {"$gt": 1}}}}, [[0, 5], [2], 2, [], ["x", 2]]),
    "a position": ({"a.1": "x"}, [["x", "y"], ["y", "x"], ["z"], {"1": "x"}, "x"]),
}


@pytest.mark.parametrize("name", LOWERED)
def test_filters_on_one_field_are_lowered(name: str) -> None:
    filter, values = LOWERED[name]
    assert_same(fields(values), [{"$match": filter}], stages=1)
    assert_same(fields(values), [{"$match": {"$nor": [filter]}}], stages=1)


ITEMS = [
    {"_id": 0, "o": [{"p": 1, "q": "x"}, {"p": 5, "q": "y"}]},
    {"_id": 1, "o": [{"p": 5, "q": "x"}]},
    {"_id": 2, "o": []},
    {"_id": 3, "o": {"p": 5, "q": "x"}},
    {"_id": 4, "o": [7, None, {"p": 2.5}]},
    {"_id": 5, "o": {"p": {"r": 1}}},
    {"_id": 6},
]

THROUGH_ARRAYS = {
    "a field of elements": {"o.p": 5},
    "above": {"o.p": {"$gt": 2}},
    "not equal": {"o.p": {"$ne": 5}},
    "there": {"o.q": {"$exists": True}},
    "in": {"o.q": {"$in": ["x", "z"]}},
    "by position": {"o.0.p": {"$gte": 5}},
    "one element": {"o": {"$elemMatch": {"p": {"$gte": 5}, "q": "x"}}},
    "one element with alternatives": {"o": {"$elemMatch": {"$or": [{"p": 1}, {"q": "y"}], "p": {"$lt": 9}}}},
    "one element that lacks something": {"o": {"$elemMatch": {"p": {"$gt": 1}, "q": {"$ne": "x"}}}},
    "further down": {"o.p.r": 1},
    "expression": {"$expr": {"$eq": ["$o", None]}},
}


@pytest.mark.parametrize("name", THROUGH_ARRAYS)
def test_filters_through_arrays_of_documents_are_lowered(name: str) -> None:
    stages = 0 if name == "expression" else 1
    assert_same(ITEMS, [{"$match": THROUGH_ARRAYS[name]}], stages=stages)
    assert_same(ITEMS, [{"$match": {"$nor": [THROUGH_ARRAYS[name]]}}], stages=stages)


COMPUTED = {
    "behind $group": [{"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$match": {"n": {"$gt": 1}, "_id": {"$ne": None}}}],
    "behind $addFields": [{"$addFields": {"b": {"$gt": ["$a", 1]}}}, {"$match": {"b": True, "a": {"$lt": 9}}}],
    "a field of the key": [
        {"$group": {"_id": {"k": "$a"}, "n": {"$sum": 1}}},
        {"$match": {"_id.k": {"$exists": True}}},
    ],
}


@pytest.mark.parametrize("name", COMPUTED)
def test_computed_fields_are_filtered_like_stored_ones(name: str) -> None:
    assert_same(fields([1, 2, 2, None, 1.0, 5]), [{"$sort": {"_id": 1}}, *COMPUTED[name]][1:], stages=2)


REFUSED = {
    "decimals": ([Decimal128("1")], {"a": {"$gt": 1}}, "decimals"),
    "a document": ([{"b": 1}], {"a": {"b": 1}}, "object"),
    "an order of documents": ([{"b": 1}], {"a": {"$gt": {"b": 1}}}, "order"),
    "a regular expression": ([Regex("a")], {"a": {"$regex": "a"}}, "regular expressions"),
    "bits of bytes": ([b"a"], {"a": {"$bitsAllSet": 1}}, "bits"),
    "null behind an array": ([[{"b": None}, 1]], {"a.b": None}, "missing"),
    "arrays in arrays": ([[{"b": [1]}]], {"a.b": 1}, "arrays"),
    "elements without the field": ([[{"b": 1}]], {"a": {"$elemMatch": {"b": {"$ne": 2}}}}, "without its fields"),
    "a schema": ([1], {"$jsonSchema": {"required": ["a"]}}, "a schema"),
    "chance": ([1], {"$sampleRate": 0.5}, "by chance"),
    "no word boundary, which DuckDB finds inside a letter": (
        ["\u00e9"],
        {"a": {"$regex": "\\B"}},
        "regular expression",
    ),
    "look-ahead": (["a"], {"a": {"$regex": "a(?=b)"}}, "regular expression"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_columns_do_not_show_is_left_to_the_interpreter(name: str) -> None:
    values, filter, reason = REFUSED[name]
    if "$sampleRate" in filter:
        filter = {"$and": [{"a": 2}, filter]}  # which then finds nothing by chance
    assert_refused(fields(values), [{"$match": filter}], reason)


# Long lists


LISTS = {
    WHOLE: [Int64(-(2**63)), 0, Int64(2**63 - 1)],
    DATE: DATES,
    DOUBLE: [each for each in DOUBLES if each == each],
    STRING: [*STRINGS, "x,y", "[z]"],
    OBJECT_ID: IDS,
}


@pytest.mark.parametrize("slot", LISTS)
def test_a_long_list_is_one_parameter_or_two(slot: str) -> None:
    found = long_list(LISTS[slot], slot)
    assert len(found.parameters) <= 2
    (batch,) = ENGINE.batches(sql("SELECT unnest({}) AS v", found), {}, NEVER)
    plain = [each.binary if isinstance(each, ObjectId) else each for each in LISTS[slot]]
    values = batch.column("v").to_pylist()
    assert values == [int(each) if slot in (WHOLE, DATE) else each for each in plain]


def test_strings_of_all_separators_go_as_a_list() -> None:
    strings = ["".join(map(chr, range(1, 32))), "b"]
    assert long_list(strings, STRING).parameters == (tuple(strings),)


# Regular expressions


LONG_S, KELVIN = "\u017f", "\u212a"
PATTERNS = [
    "^a", "b$", "abc", "^abc$", "a.*", "^a.*c", "[a-c]b", "[^a]b", "\\d", "\\w+\\s", "(a|b)c?", "k", "^$", "", "\\.",
    "a|b$", "^(?:ab){1,2}", "\\bA", "[\\d_-]", "^.*b", ".b", "\\S$", "a{2}", "s", "[A-K]",
]  # fmt: skip
TEXTS = [
    *STRINGS, "\n", "a\nb", "ab\n", "K", KELVIN, LONG_S, "S", "aab", "abab", "1_-", "a b", "A", "\u000bx", "İ", "x.y",
    "ab1",
]  # fmt: skip


@pytest.mark.parametrize("texts", [TEXTS, [text for text in TEXTS if text.isascii()]], ids=["all", "ascii"])
@pytest.mark.parametrize("flags", ["", "i", "s"])
def test_patterns_mean_the_same(flags: str, texts: list[str]) -> None:
    pairs = product(range(len(PATTERNS)), texts)
    documents = [{"_id": number, "o": place, "a": text} for number, (place, text) in enumerate(pairs)]
    branches = [{"o": place, "a": {"$regex": pattern, "$options": flags}} for place, pattern in enumerate(PATTERNS)]
    assert_same(documents, [{"$match": {"$or": branches}}], stages=1)


ATOMS = [
    *"abkKsS01 _-", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\.", "\\n", "\\b", "[abc]", "[^\\s]", "[a-c0-9]",
    "[\\w-]", "^", "(?:a|b)", "(a)", "(?i)", "\\Q.\\E", "]", "$", "é",
]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from(ATOMS), st.sampled_from(["", "", "", "*", "+", "?", "{1,2}", "*?"])), max_size=4
    ),
    st.sampled_from(["", "$", ".*", "|b"]),
    st.sampled_from(["", "i", "s"]),
)
@settings(max_examples=60)
def test_a_pattern_that_is_lowered_finds_what_it_finds(parts: list[tuple[str, str]], end: str, flags: str) -> None:
    pattern = "".join(atom + quantifier for atom, quantifier in parts) + end
    try:
        finds = compile_pattern(pattern, flags)
        condition = search(column("a"), pattern, frozenset(flags), is_ascii=False)
    except (ServerError, NotLowered):
        return
    texts = sql("(SELECT unnest({}) AS a)", long_list(TEXTS, STRING))
    (batch,) = ENGINE.batches(sql("SELECT a, {} AS found FROM {}", condition, texts), {}, NEVER)
    found = dict(zip(batch.column("a").to_pylist(), batch.column("found").to_pylist(), strict=True))
    assert found == {text: finds(text) for text in TEXTS}, pattern


# Expressions


PAIRS = {
    "numbers": [*INTS[:4], *LONGS, *DOUBLES, NAN, None],
    "scalars": [
        None,
        1,
        Int64(1),
        1.0,
        0.0,
        -0.0,
        NAN,
        "",
        "a",
        True,
        False,
        DATES[0],
        IDS[0],
        MinKey(),
        MaxKey(),
        b"a",
    ],
}


@pytest.mark.parametrize("group", PAIRS)
@pytest.mark.parametrize("operator", ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"])
def test_expressions_compare_all_pairs_in_the_total_order(group: str, operator: str) -> None:
    values = PAIRS[group]
    documents: list[Document] = [{"a": left, "b": right} for left, right in product(values, values)]
    documents += [{"a": 1}, {"b": None}, {}]
    documents = [{"_id": number, **document} for number, document in enumerate(documents)]
    assert_same(documents, [{"$project": {"v": {operator: ["$a", "$b"]}}}], stages=1)
    for constant in values[::4]:
        assert_same(documents[:40], [{"$project": {"v": {operator: ["$b", {"$literal": constant}]}}}], stages=1)


def test_truth_of_all_types() -> None:
    documents = fields([*SCALARS, *BYTES, *EXTREMES, {}, [], [1]])
    spec = {"n": {"$not": ["$a"]}, "o": {"$or": ["$a", "$missing"]}, "w": {"$and": [True, "$a"]}}
    assert_same(documents, [{"$project": spec}], stages=1)


# Sorting and groups


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("group", GROUPS)
def test_values_sort_in_the_total_order(group: str, direction: int) -> None:
    values = [each for each in GROUPS[group] if type(each) is not Timestamp]
    assert_same(fields(values[::-1] + values), [{"$sort": {"a": direction}}], stages=1)


ARRAYS = {
    "of ints": [[3, 1], [2], [], 2, None, [1, 9]],
    "of strings": [["b", "a"], [], "a", ["c"]],
    "of many types": [[None, 5], ["a", 1.5], [True], [], None, 3, "x", [DATES[0], "a"], [NAN, 1.0], [INFINITY]],
    "of documents, by a field": [[{"b": 3}, {"b": 1}], [{"b": 2}, 7], [], {"b": 2}, {"b": None}, [{}], 5],
}


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_sort_by_their_least_or_greatest_element(name: str, direction: int) -> None:
    path = "a.b" if "field" in name else "a"
    assert_same(fields(ARRAYS[name]), [{"$sort": {path: direction, "_id": -1}}], stages=1)


def test_documents_of_known_fields_sort_by_these() -> None:
    documents = [{"_id": each, "a": each % 3, "b": [None, "x", 2.5, True][each % 4]} for each in range(24)]
    documents += [{"_id": 24, "a": 1}, {"_id": 25, "a": Int64(1), "b": "x"}]
    group = {"$group": {"_id": {"a": "$a", "b": "$b"}, "n": {"$sum": 1}}}
    assert_same(documents, [group, {"$sort": {"_id": 1}}], stages=2)
    assert_same(documents, [group, {"$sort": {"_id": -1}}], stages=2)


SORTS_REFUSED = {
    "documents": ([{"b": 1}, {"b": 2}], {"a": 1}, "object"),
    "decimals": ([Decimal128("1"), 2], {"a": 1}, "decimal"),
    "two paths with arrays": ([[{"b": 1, "c": 2}]], {"a.b": 1, "a.c": 1}, "several paths"),
    "arrays in arrays": ([[[1]], [2]], {"a": 1}, "arrays"),
}


@pytest.mark.parametrize("name", SORTS_REFUSED)
def test_orders_that_columns_do_not_show_are_left_to_the_interpreter(name: str) -> None:
    values, pattern, reason = SORTS_REFUSED[name]
    assert_refused(fields(values), [{"$sort": pattern}], reason)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_are_of_equal_values(group: str) -> None:
    documents = fields(GROUPS[group] * 2)
    assert_same(documents, [{"$group": {"_id": "$a", "n": {"$sum": 1}}}], stages=1)
    assert_same(documents, [{"$group": {"_id": {"k": "$a"}, "n": {"$sum": 1}}}], stages=1)


# Everything together


VALUES = st.sampled_from([*SCALARS, *DECIMALS[:2], *BYTES, *EXTREMES, *NESTED, Regex("a"), Code("a")])
POOLS = st.one_of(
    st.sampled_from(
        [INTS, [*INTS, *LONGS], DOUBLES, [*INTS, *DOUBLES, None], STRINGS, [*STRINGS, None], SCALARS]
    ).flatmap(lambda pool: st.lists(st.sampled_from(pool), min_size=1, max_size=6)),
    st.lists(VALUES, min_size=1, max_size=6),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Document], list[Any]]:
    """(documents, values that occur in them)."""
    pool = draw(POOLS)
    leaf = st.sampled_from(pool)
    nested = st.one_of(
        st.fixed_dictionaries({}, optional={"c": leaf, "d": leaf}),
        st.lists(st.one_of(st.fixed_dictionaries({}, optional={"c": leaf, "d": leaf}), leaf), max_size=3),
    )
    kinds = draw(st.sampled_from([leaf, st.one_of(leaf, st.lists(leaf, max_size=3))]))
    document = st.fixed_dictionaries({}, optional={"a": kinds, "b": st.one_of(nested, leaf)})
    documents = draw(st.lists(document, min_size=1, max_size=8))
    return [{"_id": number, **each} for number, each in enumerate(documents)], pool


@st.composite
def filters(draw: st.DrawFn, pool: list[Any]) -> Document:
    """A filter whose operands are near to the values."""
    value = st.one_of(st.sampled_from(pool), st.sampled_from(pool), VALUES, st.sampled_from(DECIMALS))
    plain = value.filter(lambda each: type(each) is not Regex)
    positive = st.one_of(
        st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]).flatmap(
            lambda name: st.fixed_dictionaries({name: plain})
        ),
        st.fixed_dictionaries({"$in": st.lists(value, max_size=20)}),
        st.sampled_from([{"$exists": True}, {"$exists": False}, {"$type": "number"}, {"$size": 1}, {"$mod": [2, 1]}]),
        st.sampled_from([{"$regex": "^a"}, {"$regex": "b$"}, {"$bitsAllSet": [0]}, {"$type": ["array", "string"]}]),
    )
    clause = st.one_of(
        positive,
        st.fixed_dictionaries({"$not": positive}),
        st.fixed_dictionaries({"$elemMatch": positive}),
        st.fixed_dictionaries({"$elemMatch": st.fixed_dictionaries({"c": positive}, optional={"d": positive})}),
    )
    path = st.sampled_from(["a", "b", "b.c", "b.d", "a.0", "b.0.c"])
    field = st.tuples(path, clause).map(lambda pair: {pair[0]: pair[1]})
    branch = st.recursive(
        field,
        lambda inner: st.tuples(st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: {pair[0]: pair[1]}
        ),
        max_leaves=4,
    )
    return draw(branch)


@settings(max_examples=40)
@given(cases().flatmap(lambda case: st.tuples(st.just(case[0]), filters(case[1]))))
def test_any_filter_finds_the_same(case: tuple[list[Document], Document]) -> None:
    documents, filter = case
    assert_same(documents, [{"$match": filter}])


@settings(max_examples=25)
@given(cases(), st.permutations(["a", "b", "b.c", "b.d"]), st.lists(st.sampled_from([1, -1]), min_size=1, max_size=3))
def test_any_sort_gives_the_same_order(
    case: tuple[list[Document], Any], paths: list[str], directions: list[int]
) -> None:
    documents, _ = case
    pattern = dict(zip(paths, directions, strict=False))
    try:
        assert_same(documents, [{"$sort": pattern}])
    except ServerError as failure:
        assert "parallel arrays" in failure.message  # which the interpreter has found

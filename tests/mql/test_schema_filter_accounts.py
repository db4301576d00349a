"""What an account says of a document that fails a validator of query operators."""

from typing import Any

import pytest
from bson import Regex
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.matcher import FIELD_OPERATORS, parse_filter
from amongo.mql.validation import failure_account, parse_validator
from amongo.mql.validation.leaves import BY_OPERATOR
from amongo.runtime.limits import ACCOUNT_BYTES
from amongo.values.codec import encode


def account(validator: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    return failure_account(parse_validator(validator, variables={}), {"_id": 7, **document})


def leaf(filter: dict[str, Any], reason: str, operator: str = "", **shown: Any) -> dict[str, Any]:
    ((_, operand),) = filter.items()
    return {"operatorName": operator or next(iter(operand)), "specifiedAs": filter, "reason": reason, **shown}


FAILED, SUCCEEDED, MISSING = "comparison failed", "comparison succeeded", "field was missing"
ALWAYS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("equality", {"a": 2}, {"a": 1}, leaf({"a": 2}, FAILED, "$eq", consideredValue=1)),
    ("missing", {"a": {"$gt": 2}}, {"b": 1}, leaf({"a": {"$gt": 2}}, MISSING)),
    (
        "an array on the way",
        {"a.b": {"$lte": 0}},
        {"a": [{"b": [1, 2]}, {"b": 3}, {}, {"b": 4}]},
        leaf({"a.b": {"$lte": 0}}, FAILED, consideredValues=[1, 2, 3]),
    ),
    ("an empty array", {"a": {"$lt": 0}}, {"a": []}, leaf({"a": {"$lt": 0}}, FAILED, consideredValues=[])),
    (
        "more values than are shown",
        {"a": {"$lt": 0}},
        {"a": list(range(11))},
        leaf({"a": {"$lt": 0}}, FAILED, consideredValues=list(range(10)), consideredValuesTruncated=True),
    ),
    ("$ne", {"a": {"$ne": 1}}, {"a": 1}, leaf({"a": {"$ne": 1}}, SUCCEEDED, consideredValue=1)),
    (
        "$in",
        {"a": {"$in": [1]}},
        {"a": 2},
        leaf({"a": {"$in": [1]}}, "no matching value found in array", consideredValue=2),
    ),
    (
        "$nin",
        {"a": {"$nin": [1]}},
        {"a": 1},
        leaf({"a": {"$nin": [1]}}, "matching value found in array", consideredValue=1),
    ),
    ("$exists", {"a": {"$exists": True}}, {}, leaf({"a": {"$exists": True}}, "path does not exist")),
    ("$exists false", {"a": {"$exists": False}}, {"a": 1}, leaf({"a": {"$exists": False}}, "path does exist")),
    (
        "$type",
        {"a": {"$type": "int"}},
        {"a": ["x", 1.0]},
        leaf(
            {"a": {"$type": "int"}},
            "type did not match",
            consideredValues=["x", 1.0],
            consideredTypes=["double", "string"],
        ),
    ),
    (
        "$mod of a string",
        {"a": {"$mod": [2, 0]}},
        {"a": "x"},
        leaf(
            {"a": {"$mod": [2, 0]}},
            "type did not match",
            consideredType="string",
            expectedTypes=["decimal", "double", "int", "long"],
            consideredValue="x",
        ),
    ),
    (
        "$mod of one number",
        {"a": {"$mod": [2, 0]}},
        {"a": ["x", 1]},
        leaf({"a": {"$mod": [2, 0]}}, "$mod did not evaluate to expected remainder", consideredValues=["x", 1]),
    ),
    (
        "$regex with $options",
        {"a": {"$options": "i", "$regex": "^X"}},
        {"a": "y"},
        {
            "operatorName": "$regex",
            "specifiedAs": {"a": {"$regex": "^X", "$options": "i"}},
            "reason": "regular expression did not match",
            "consideredValue": "y",
        },
    ),
    (
        "regular expression",
        {"a": Regex("^x")},
        {"a": 1},
        leaf(
            {"a": Regex("^x")},
            "type did not match",
            "$regex",
            consideredType="int",
            expectedTypes=["regex", "string", "symbol"],
            consideredValue=1,
        ),
    ),
    (
        "$size of no array",
        {"a": {"$size": 1}},
        {"a": 1},
        leaf(
            {"a": {"$size": 1}},
            "type did not match",
            consideredType="int",
            expectedType="array",
            consideredValue=1,
        ),
    ),
    (
        "$size",
        {"a": {"$size": 1}},
        {"a": [1, 2]},
        leaf({"a": {"$size": 1}}, "array length was not equal to given size", consideredValue=[1, 2]),
    ),
    (
        "$all",
        {"a": {"$all": [1, 3]}},
        {"a": [1, 2]},
        leaf({"a": {"$all": [1, 3]}}, "array did not contain all specified values", consideredValue=[1, 2]),
    ),
    (
        "$all of nothing",
        {"a": {"$all": []}},
        {"a": [1]},
        leaf({"a": {"$all": []}}, "expression always evaluates to false"),
    ),
    (
        "$elemMatch",
        {"a": {"$elemMatch": {"$gt": 5}}},
        {"a": [1]},
        leaf({"a": {"$elemMatch": {"$gt": 5}}}, "array did not satisfy the child predicate", consideredValue=[1]),
    ),
    (
        "$bitsAllSet",
        {"a": {"$bitsAllSet": 3}},
        {"a": 1},
        leaf({"a": {"$bitsAllSet": 3}}, "bitwise operator failed to match", consideredValue=1),
    ),
    (
        "$geoWithin",
        {"a": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}},
        {"a": [5, 6]},
        leaf(
            {"a": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}},
            "none of the considered geometries were contained within the expression\u2019s geometry",
            consideredValues=[5, 6],
        ),
    ),
    (
        "$geoWithin of no geometry",
        {"a": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}},
        {"a": "x"},
        leaf(
            {"a": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}},
            "could not find a valid geometry at the given path",
            consideredValue="x",
        ),
    ),
    (
        "$expr",
        {"$expr": {"$add": ["$a", -1]}},
        {"a": 1},
        leaf({"$expr": {"$add": ["$a", -1]}}, "expression did not match", "$expr", expressionResult=0),
    ),
    (
        "$expr that gives nothing",
        {"$expr": "$z"},
        {},
        leaf({"$expr": "$z"}, "expression did not match", "$expr"),
    ),
    (
        "$expr that fails",
        {"$expr": {"$divide": [1, "$a"]}},
        {"a": 0},
        leaf(
            {"$expr": {"$divide": [1, "$a"]}},
            "failed to evaluate aggregation expression",
            "$expr",
            details={"code": 2, "codeName": "BadValue", "errmsg": "can't $divide by zero"},
        ),
    ),
    (
        "$alwaysFalse",
        {"$alwaysFalse": 1},
        {},
        leaf({"$alwaysFalse": 1}, "expression always evaluates to false", "$alwaysFalse"),
    ),
    (
        "$sampleRate",
        {"$sampleRate": 0},
        {},
        leaf({"$sampleRate": 0}, "expression did not match", "$sampleRate", expressionResult=False),
    ),
    (
        "several fields are an $and",
        {"a": {"$gt": 0, "$lt": 3}, "$comment": "c", "b": 1},
        {"a": 3, "b": 2},
        {
            "operatorName": "$and",
            "clausesNotSatisfied": [
                {"index": 1, "details": leaf({"a": {"$lt": 3}}, FAILED, consideredValue=3)},
                {"index": 2, "details": leaf({"b": 1}, FAILED, "$eq", consideredValue=2)},
            ],
        },
    ),
    (
        "$or tells of all",
        {"$or": [{"a": 1}, {"a": 2}]},
        {"a": 3},
        {
            "operatorName": "$or",
            "clausesNotSatisfied": [
                {"index": 0, "details": leaf({"a": 1}, FAILED, "$eq", consideredValue=3)},
                {"index": 1, "details": leaf({"a": 2}, FAILED, "$eq", consideredValue=3)},
            ],
        },
    ),
    (
        "$nor tells of what matches",
        {"$nor": [{"a": 1}, {"a": {"$ne": 2}}, {"a": 3}]},
        {"a": 3},
        {
            "operatorName": "$nor",
            "clausesSatisfied": [
                {"index": 1, "details": leaf({"a": {"$ne": 2}}, FAILED, consideredValue=3)},
                {"index": 2, "details": leaf({"a": 3}, SUCCEEDED, "$eq", consideredValue=3)},
            ],
        },
    ),
    (
        "$nor below $nor",
        {"$nor": [{"$nor": [{"a": 1}]}]},
        {"a": 2},
        {
            "operatorName": "$nor",
            "clausesSatisfied": [
                {
                    "index": 0,
                    "details": {
                        "operatorName": "$nor",
                        "clausesNotSatisfied": [
                            {"index": 0, "details": leaf({"a": 1}, FAILED, "$eq", consideredValue=2)}
                        ],
                    },
                }
            ],
        },
    ),
    (
        "$not",
        {"a": {"$not": {"$gt": 1}}},
        {"a": 2},
        {"operatorName": "$not", "details": leaf({"a": {"$gt": 1}}, SUCCEEDED, consideredValue=2)},
    ),
    (
        "$not of a regular expression",
        {"a": {"$not": Regex("x")}},
        {"a": "x"},
        {
            "operatorName": "$not",
            "details": leaf({"a": Regex("x")}, "regular expression did match", "$regex", consideredValue="x"),
        },
    ),
    (
        "$not of several",
        {"a": {"$not": {"$gt": 1, "$lt": 5}}},
        {"a": 2},
        {
            "operatorName": "$not",
            "details": {
                "operatorName": "$and",
                "clausesSatisfied": [
                    {"index": 0, "details": leaf({"a": {"$gt": 1}}, SUCCEEDED, consideredValue=2)},
                    {"index": 1, "details": leaf({"a": {"$lt": 5}}, SUCCEEDED, consideredValue=2)},
                ],
            },
        },
    ),
    (
        "a schema that should not match",
        {"$nor": [{"$jsonSchema": {"title": "T"}}]},
        {},
        {
            "operatorName": "$nor",
            "clausesSatisfied": [
                {"index": 0, "title": "T", "details": {"operatorName": "$jsonSchema", "reason": "schema matched"}}
            ],
        },
    ),
]


@pytest.mark.parametrize(
    ("validator", "document", "details"), [case[1:] for case in ALWAYS], ids=[case[0] for case in ALWAYS]
)
def test_account(validator: dict[str, Any], document: dict[str, Any], details: dict[str, Any]) -> None:
    expected = {"failingDocumentId": 7, "details": details}
    assert repr(account(validator, document)) == repr(expected)  # types and order of fields too


def test_every_operator_below_a_field_has_its_words() -> None:
    by_distance = {"$near", "$nearSphere", "$geoNear", "$maxDistance", "$minDistance", "$uniqueDocs"}  # refused before
    assert set(FIELD_OPERATORS) - set(BY_OPERATOR) == {"$not", "$options"} | by_distance


def test_an_account_that_would_be_too_large_leaves_out_values() -> None:
    text = "x" * (ACCOUNT_BYTES // 2)
    told = account({"a": {"$in": [text]}, "b": 1}, {"a": text + text, "b": 2})
    assert told["truncated"] is True
    assert len(encode(told)) < 1000
    assert [each["details"]["reason"] for each in told["details"]["clausesNotSatisfied"]] == [
        "no matching value found in array",
        FAILED,
    ]


def test_an_account_that_is_too_large_all_the_same() -> None:
    pattern = "p" * (ACCOUNT_BYTES // 2)
    validator = {"$jsonSchema": {"properties": {pattern: {"enum": [1]}, pattern + "2": {"enum": [1]}}}}
    assert account(validator, {pattern: 2, pattern + "2": 2}) == {
        "failingDocumentId": 7,
        "note": "detailed error was too large",
    }


def test_an_account_nested_too_deep() -> None:
    validator: dict[str, Any] = {"a": 1}
    for _ in range(70):
        validator = {"$or": [validator]}
    assert account(validator, {"a": 2}) == {"reason": "generated error was too deeply nested", "truncated": True}


SCALARS = st.sampled_from([None, 0, 1, 2.5, "", "x", True])
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)
DOCUMENTS = st.dictionaries(st.sampled_from("ab"), VALUES | st.lists(VALUES, max_size=2), max_size=2)
CONDITIONS = st.one_of(
    SCALARS,
    st.sampled_from(["$eq", "$ne", "$gt", "$lte"]).flatmap(lambda name: SCALARS.map(lambda value: {name: value})),
    st.lists(SCALARS, max_size=2).map(lambda values: {"$in": values}),
    st.lists(SCALARS, max_size=2).map(lambda values: {"$all": values}),
    st.sampled_from(
        [{"$exists": True}, {"$type": "string"}, {"$size": 1}, {"$mod": [2, 0]}, {"$bitsAnySet": 1}, {"$regex": "x"}]
    ),
)
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "a.0"]),
    CONDITIONS | CONDITIONS.filter(lambda each: type(each) is dict).map(lambda each: {"$not": each}),
    min_size=1,
    max_size=2,
)
FILTERS = st.recursive(
    FIELDS | st.just({"$jsonSchema": {"required": ["a"]}}) | st.just({"$expr": {"$lt": ["$a", "$b"]}}),
    lambda inner: st.sampled_from(["$and", "$or", "$nor"]).flatmap(
        lambda name: st.lists(inner, min_size=1, max_size=2).map(lambda filters: {name: filters})
    ),
    max_leaves=4,
)


@settings(max_examples=400, deadline=None)
@given(FILTERS, DOCUMENTS)
def test_a_validator_is_read_as_the_matcher_reads_it(filter: dict[str, Any], document: dict[str, Any]) -> None:
    try:
        passes = parse_filter(filter).bind()(document)
    except ServerError:  # an operand that is refused, {"$all": [None], …} is not
        return
    validator = parse_validator(filter, variables={})
    assert validator.root.matches(document) is passes
    if not passes:
        told = failure_account(validator, {"_id": 1, **document})
        assert told["details"]["operatorName"].startswith("$")
        encode(told)

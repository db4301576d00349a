"""Each update operator: what it makes of a document. `SAME` stands for an update that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from applying import CLOCK, NOW, apply
from bson import Decimal128, Int64, Regex

from amongo.mql.updates.sameness import is_same

SAME = None
D = Decimal128

SET = [
    ("replaces a value", {"$set": {"a": 2}}, {"a": 1}, {"a": 2}),
    ("same value", {"$set": {"a": 1}}, {"a": 1}, SAME),
    ("same number, other type", {"$set": {"a": 1.0}}, {"a": 1}, {"a": 1.0}),
    (
        "same document, other field order",
        {"$set": {"a": {"y": 1, "x": 1}}},
        {"a": {"x": 1, "y": 1}},
        {"a": {"y": 1, "x": 1}},
    ),
    ("sign of zero", {"$set": {"a": -0.0}}, {"a": 0.0}, {"a": -0.0}),
    ("NaN again", {"$set": {"a": float("nan")}}, {"a": float("nan")}, SAME),
    ("same array", {"$set": {"a": [1, {"b": 2}]}}, {"a": [1, {"b": 2}]}, SAME),
    ("creates a path", {"$set": {"a.b.c": 1}}, {"x": 0}, {"x": 0, "a": {"b": {"c": 1}}}),
    ("numbers create fields, not arrays", {"$set": {"a.0": 1}}, {}, {"a": {"0": 1}}),
    ("two fields in one new document", {"$set": {"a.b": 1, "a.c": 2}}, {}, {"a": {"b": 1, "c": 2}}),
    ("an element", {"$set": {"a.1": 9}}, {"a": [1, 2]}, {"a": [1, 9]}),
    ("null up to the index", {"$set": {"a.3": 9}}, {"a": [1]}, {"a": [1, None, None, 9]}),
    ("a field of an element", {"$set": {"a.0.b": 1}}, {"a": [{"c": 1}]}, {"a": [{"c": 1, "b": 1}]}),
    ("new fields by name", {"$set": {"c": 1, "a": 2, "b": 3}}, {}, {"a": 2, "b": 3, "c": 1}),
    ("new numbered fields by value", {"$set": {"10": 1, "9": 2}}, {}, {"9": 2, "10": 1}),
    ("across operators too", {"$set": {"b": 1}, "$inc": {"a": 1}}, {}, {"a": 1, "b": 1}),
    ("dollar fields inside", {"$set": {"a": {"$b": 1}}}, {}, {"a": {"$b": 1}}),
    ("empty operator", {"$set": {}}, {"a": 1}, SAME),
    ("_id to an equal value", {"$set": {"_id": 1, "a": 1}}, {"_id": 1}, {"_id": 1, "a": 1}),
]

UNSET = [
    ("takes a field", {"$unset": {"a": ""}}, {"a": 1, "b": 2}, {"b": 2}),
    ("absent field", {"$unset": {"x": ""}}, {"a": 1}, SAME),
    ("absent path", {"$unset": {"x.y": ""}}, {"a": 1}, SAME),
    ("through a scalar", {"$unset": {"a.b": ""}}, {"a": 1}, SAME),
    ("an element becomes null", {"$unset": {"a.0": ""}}, {"a": [1, 2]}, {"a": [None, 2]}),
    ("past the end", {"$unset": {"a.5": ""}}, {"a": [1]}, SAME),
    ("a name in an array", {"$unset": {"a.b": ""}}, {"a": [1]}, SAME),
]

NUMBERS = [
    ("int", {"$inc": {"a": 2}}, {"a": 1}, {"a": 3}),
    ("zero", {"$inc": {"a": 0}}, {"a": 1}, SAME),
    ("zero of a wider type", {"$inc": {"a": Int64(0)}}, {"a": 1}, {"a": Int64(1)}),
    ("int grows to long", {"$inc": {"a": 1}}, {"a": 2**31 - 1}, {"a": Int64(2**31)}),
    ("long stays long", {"$inc": {"a": 1}}, {"a": Int64(1)}, {"a": Int64(2)}),
    ("double", {"$inc": {"a": 0.5}}, {"a": 1}, {"a": 1.5}),
    ("decimal", {"$inc": {"a": D("0.1")}}, {"a": 1}, {"a": D("1.1")}),
    ("-0.0 + 0.0 is no change", {"$inc": {"a": 0.0}}, {"a": -0.0}, SAME),
    ("absent field", {"$inc": {"a": Int64(3)}}, {}, {"a": Int64(3)}),
    ("product", {"$mul": {"a": 3}}, {"a": 2}, {"a": 6}),
    ("product grows to long", {"$mul": {"a": 2}}, {"a": 2**30}, {"a": Int64(2**31)}),
    ("product of an absent field", {"$mul": {"a": 3}}, {}, {"a": 0}),
    ("product of an absent field, long", {"$mul": {"a": Int64(3)}}, {}, {"a": Int64(0)}),
    ("product of an absent field, double", {"$mul": {"a": 1.5}}, {}, {"a": 0.0}),
    ("product with one", {"$mul": {"a": 1}}, {"a": 5}, SAME),
    ("and", {"$bit": {"a": {"and": 10}}}, {"a": 13}, {"a": 8}),
    ("or with a long", {"$bit": {"a": {"or": Int64(2)}}}, {"a": 1}, {"a": Int64(3)}),
    ("two steps", {"$bit": {"a": {"or": 4, "xor": 1}}}, {"a": 1}, {"a": 4}),
    ("bits of an absent field", {"$bit": {"a": {"or": 5}}}, {}, {"a": 5}),
    ("same bits", {"$bit": {"a": {"or": 1}}}, {"a": 1}, SAME),
]

ORDER = [
    ("smaller", {"$min": {"a": 1}}, {"a": 2}, {"a": 1}),
    ("not smaller", {"$min": {"a": 3}}, {"a": 2}, SAME),
    ("equal keeps its type", {"$min": {"a": 2.0}}, {"a": 2}, SAME),
    ("across types", {"$min": {"a": 5}}, {"a": "x"}, {"a": 5}),
    ("null is small", {"$min": {"a": None}}, {"a": 2}, {"a": None}),
    ("min of an absent field", {"$min": {"a": 3}}, {}, {"a": 3}),
    ("larger", {"$max": {"a": 3}}, {"a": 2}, {"a": 3}),
    ("not larger", {"$max": {"a": 1}}, {"a": 2}, SAME),
    ("max of an absent field", {"$max": {"a": 3}}, {}, {"a": 3}),
]

DATES = [
    ("true", {"$currentDate": {"a": True}}, {}, {"a": NOW}),
    ("false as well", {"$currentDate": {"a": False}}, {}, {"a": NOW}),
    ("date", {"$currentDate": {"a.b": {"$type": "date"}}}, {}, {"a": {"b": NOW}}),
    ("timestamp", {"$currentDate": {"a": {"$type": "timestamp"}}}, {"a": 1}, {"a": CLOCK}),
]

RENAME = [
    ("to the end", {"$rename": {"a": "c"}}, {"a": 1, "b": 2}, {"b": 2, "c": 1}),
    ("over another", {"$rename": {"a": "b"}}, {"a": 1, "b": 2, "c": 3}, {"b": 1, "c": 3}),
    ("into a document", {"$rename": {"a": "b.c"}}, {"a": 1}, {"b": {"c": 1}}),
    ("out of a document", {"$rename": {"a.b": "c"}}, {"a": {"b": 1}}, {"a": {}, "c": 1}),
    ("absent", {"$rename": {"a": "b"}}, {"c": 1}, SAME),
    ("absent into a scalar", {"$rename": {"a": "c.d"}}, {"c": 1}, SAME),
]

ADD_TO_SET = [
    ("adds", {"$addToSet": {"a": 3}}, {"a": [1]}, {"a": [1, 3]}),
    ("holds it", {"$addToSet": {"a": 1.0}}, {"a": [1]}, SAME),
    (
        "field order matters",
        {"$addToSet": {"a": {"y": 1, "x": 1}}},
        {"a": [{"x": 1, "y": 1}]},
        {"a": [{"x": 1, "y": 1}, {"y": 1, "x": 1}]},
    ),
    ("each", {"$addToSet": {"a": {"$each": [1, 2, 2, 3]}}}, {"a": [3, 3]}, {"a": [3, 3, 1, 2]}),
    ("each, new field", {"$addToSet": {"a": {"$each": [2, 2, 1]}}}, {}, {"a": [2, 1]}),
    ("each of nothing", {"$addToSet": {"a": {"$each": []}}}, {"a": [1]}, SAME),
    ("an array is one value", {"$addToSet": {"a": [1]}}, {"a": [1]}, {"a": [1, [1]]}),
]

PULL: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("last", {"$pop": {"a": 1}}, {"a": [1, 2]}, {"a": [1]}),
    ("first", {"$pop": {"a": -1.0}}, {"a": [1, 2]}, {"a": [2]}),
    ("of nothing", {"$pop": {"a": 1}}, {"a": []}, SAME),
    ("of an absent field", {"$pop": {"a": 1}}, {}, SAME),
    ("by value", {"$pull": {"a": 1}}, {"a": [1, 2, 1.0]}, {"a": [2]}),
    ("null", {"$pull": {"a": None}}, {"a": [None, 1]}, {"a": [1]}),
    ("by predicate", {"$pull": {"a": {"$gte": 2}}}, {"a": [1, 2, 3]}, {"a": [1]}),
    ("by regular expression", {"$pull": {"a": Regex("^x")}}, {"a": ["xy", "y", 1]}, {"a": ["y", 1]}),
    (
        "by filter on documents",
        {"$pull": {"a": {"b": 1}}},
        {"a": [{"b": 1, "c": 2}, {"b": 2}, 1]},
        {"a": [{"b": 2}, 1]},
    ),
    ("by dotted filter", {"$pull": {"a": {"b.c": {"$gt": 1}}}}, {"a": [{"b": {"c": 2}}]}, {"a": []}),
    (
        "by $or",
        {"$pull": {"a": {"$or": [{"b": 1}, {"c": 1}]}}},
        {"a": [{"b": 1}, {"c": 1}, {"d": 1}]},
        {"a": [{"d": 1}]},
    ),
    ("an array by value", {"$pull": {"a": [1]}}, {"a": [[1], 1]}, {"a": [1]}),
    ("none", {"$pull": {"a": 9}}, {"a": [1]}, SAME),
    ("absent field", {"$pull": {"a": 9}}, {}, SAME),
    ("listed", {"$pullAll": {"a": [1, 2]}}, {"a": [1.0, 3, 2]}, {"a": [3]}),
    (
        "listed, documents exactly",
        {"$pullAll": {"a": [{"b": 1}]}},
        {"a": [{"b": 1}, {"b": 1, "c": 1}]},
        {"a": [{"b": 1, "c": 1}]},
    ),
]

PUSH = [
    ("value", {"$push": {"a": 1}}, {"a": [0]}, {"a": [0, 1]}),
    ("new field", {"$push": {"a.b": 1}}, {}, {"a": {"b": [1]}}),
    ("an array is one value", {"$push": {"a": [1]}}, {"a": []}, {"a": [[1]]}),
    ("modifiers without $each are a value", {"$push": {"a": {"$sort": 1}}}, {"a": []}, {"a": [{"$sort": 1}]}),
    ("each", {"$push": {"a": {"$each": [1, 2]}}}, {"a": [0]}, {"a": [0, 1, 2]}),
    ("each of nothing", {"$push": {"a": {"$each": []}}}, {"a": [0]}, SAME),
    ("each of nothing, new field", {"$push": {"a": {"$each": []}}}, {}, {"a": []}),
    ("position", {"$push": {"a": {"$each": [9], "$position": 1}}}, {"a": [1, 2]}, {"a": [1, 9, 2]}),
    ("position past the end", {"$push": {"a": {"$each": [9], "$position": 7}}}, {"a": [1]}, {"a": [1, 9]}),
    ("position from the end", {"$push": {"a": {"$each": [8, 9], "$position": -1}}}, {"a": [1, 2]}, {"a": [1, 8, 9, 2]}),
    ("position before the start", {"$push": {"a": {"$each": [9], "$position": -7}}}, {"a": [1]}, {"a": [9, 1]}),
    ("slice", {"$push": {"a": {"$each": [3], "$slice": 2}}}, {"a": [1, 2]}, {"a": [1, 2]}),
    ("slice from the end", {"$push": {"a": {"$each": [3], "$slice": -2}}}, {"a": [1, 2]}, {"a": [2, 3]}),
    ("slice to nothing", {"$push": {"a": {"$each": [3], "$slice": 0}}}, {"a": [1, 2]}, {"a": []}),
    ("slice longer than the array", {"$push": {"a": {"$each": [], "$slice": 5}}}, {"a": [1]}, SAME),
    ("sort", {"$push": {"a": {"$each": [1], "$sort": -1}}}, {"a": [2, 3]}, {"a": [3, 2, 1]}),
    ("sort, then slice", {"$push": {"a": {"$each": [1], "$sort": 1, "$slice": 2}}}, {"a": [3, 2]}, {"a": [1, 2]}),
    (
        "sort by fields, stable",
        {"$push": {"a": {"$each": [], "$sort": {"x": 1, "y.z": -1}}}},
        {"a": [{"x": 1, "y": {"z": 1}}, {"x": 0, "n": 1}, {"x": 1, "y": {"z": 2}}, {"x": 0, "n": 2}, 5]},
        {"a": [5, {"x": 0, "n": 1}, {"x": 0, "n": 2}, {"x": 1, "y": {"z": 2}}, {"x": 1, "y": {"z": 1}}]},
    ),
]

FAMILIES: dict[str, list[Any]] = {
    "set": SET,
    "unset": UNSET,
    "numbers": NUMBERS,
    "order": ORDER,
    "dates": DATES,
    "rename": RENAME,
    "addToSet": ADD_TO_SET,
    "pull": PULL,
    "push": PUSH,
}
CASES = [
    (f"{family}: {name}", update, before, after)
    for family, table in FAMILIES.items()
    for name, update, before, after in table
]


@pytest.mark.parametrize(("update", "before", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_operator(update: dict[str, Any], before: dict[str, Any], after: dict[str, Any] | None) -> None:
    document = apply(update, before).document
    assert is_same(document, after), document


def test_set_on_insert_counts_only_for_an_insert() -> None:
    update = {"$setOnInsert": {"a.b": 1}, "$set": {"c": 2}}
    assert apply(update, {"_id": 1}).document == {"_id": 1, "c": 2}
    assert apply(update, {"_id": 1}, is_insert=True).document == {"_id": 1, "a": {"b": 1}, "c": 2}
    assert apply({"$setOnInsert": {"a.b": 1}}, {"a": 5}).document is None


def test_collation_decides_what_strings_are_equal() -> None:
    def folded(text: str) -> bytes:
        return text.lower().encode()

    assert apply({"$addToSet": {"a": "X"}}, {"a": ["x"]}, collator=folded).document is None
    assert apply({"$pull": {"a": "X"}}, {"a": ["x", "y"]}, collator=folded).document == {"a": ["y"]}
    assert apply({"$pullAll": {"a": ["X"]}}, {"a": ["x", "y"]}, collator=folded).document == {"a": ["y"]}
    assert apply({"$max": {"a": "B"}}, {"a": "b"}, collator=folded).document is None
    sort = {"$push": {"a": {"$each": ["B"], "$sort": 1}}}
    assert apply(sort, {"a": ["c", "a"]}, collator=folded).document == {"a": ["a", "B", "c"]}


def test_untouched_values_are_shared_and_touched_ones_copied() -> None:
    before = {"a": {"b": 1}, "c": {"d": 1}}
    after = apply({"$set": {"a.b": 2}}, before).document
    assert after == {"a": {"b": 2}, "c": {"d": 1}}
    assert after["c"] is before["c"]
    assert before == {"a": {"b": 1}, "c": {"d": 1}}

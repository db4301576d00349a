"""Filters that the server refuses, and the code it gives."""

from typing import Any

import pytest
from bson import Decimal128, Int64, Regex

from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.mql.matcher.registry import NOT_YET, field_operator
from amongo.values.deprecated import Undefined

CASES: list[tuple[str, dict[str, Any], int]] = [
    ("unknown top level operator", {"$foo": 1}, 2),
    ("field operator at the top level", {"$gt": 1}, 2),
    ("$not at the top level", {"$not": {"a": 1}}, 2),
    ("unknown operator", {"a": {"$foo": 1}}, 2),
    ("name among operators", {"a": {"$gt": 1, "b": 2}}, 2),
    ("logical operator below a field", {"a": {"$or": [{"b": 1}]}}, 2),
    ("$and no array", {"$and": {"a": 1}}, 2),
    ("$or empty", {"$or": []}, 2),
    ("$nor of scalars", {"$nor": [1]}, 2),
    ("$not scalar", {"a": {"$not": 1}}, 2),
    ("$not empty", {"a": {"$not": {}}}, 2),
    ("undefined", {"a": Undefined()}, 2),
    ("$gt undefined", {"a": {"$gt": Undefined()}}, 2),
    ("$ne regex", {"a": {"$ne": Regex("x")}}, 2),
    ("$lt regex", {"a": {"$lt": Regex("x")}}, 2),
    ("$in no array", {"a": {"$in": 1}}, 2),
    ("$in operator", {"a": {"$in": [{"$gt": 1}]}}, 2),
    ("$in undefined", {"a": {"$in": [Undefined()]}}, 2),
    ("$in invalid regex", {"a": {"$in": [Regex("(")]}}, 51091),
    ("$in regex with a flag of Python's", {"a": {"$in": [Regex("a", 4)]}}, 51108),
    ("$type unknown alias", {"a": {"$type": "Double"}}, 2),
    ("$type zero", {"a": {"$type": 0}}, 2),
    ("$type fraction", {"a": {"$type": 1.5}}, 2),
    ("$type bool", {"a": {"$type": True}}, 14),
    ("$type none", {"a": {"$type": []}}, 9),
    ("$size negative", {"a": {"$size": -1}}, 2),
    ("$size fraction", {"a": {"$size": 1.5}}, 2),
    ("$size long", {"a": {"$size": Int64(2**40)}}, 2),
    ("$size string", {"a": {"$size": "1"}}, 2),
    ("$all no array", {"a": {"$all": 1}}, 2),
    ("$all mixed", {"a": {"$all": [{"$elemMatch": {"x": 1}}, 1]}}, 2),
    ("$all operator", {"a": {"$all": [{"$gt": 1}]}}, 2),
    ("$elemMatch scalar", {"a": {"$elemMatch": 1}}, 2),
    ("$elemMatch $where", {"a": {"$elemMatch": {"$where": "true"}}}, 2),
    ("$elemMatch $expr", {"a": {"$elemMatch": {"$expr": True}}}, 2),
    ("$mod no array", {"a": {"$mod": 3}}, 2),
    ("$mod short", {"a": {"$mod": [3]}}, 2),
    ("$mod long", {"a": {"$mod": [3, 1, 1]}}, 2),
    ("$mod zero", {"a": {"$mod": [0.5, 1]}}, 2),
    ("$mod NaN", {"a": {"$mod": [Decimal128("NaN"), 1]}}, 2),
    ("$mod string", {"a": {"$mod": [3, "1"]}}, 2),
    ("$bits string", {"a": {"$bitsAllSet": "x"}}, 2),
    ("$bits negative mask", {"a": {"$bitsAllSet": -1}}, 9),
    ("$bits fraction", {"a": {"$bitsAnySet": 1.5}}, 9),
    ("$bits negative position", {"a": {"$bitsAnyClear": [-1]}}, 2),
    ("$bits position string", {"a": {"$bitsAllClear": ["1"]}}, 2),
    ("$bits position beyond 32 bits", {"a": {"$bitsAllClear": [Int64(2**31)]}}, 2),
    ("$regex number", {"a": {"$regex": 1}}, 2),
    ("$regex invalid", {"a": {"$regex": "[a"}}, 51091),
    ("$regex invalid literal", {"a": Regex("(a")}, 51091),
    ("$regex NUL", {"a": {"$regex": "a\0"}}, 2),
    ("$regex too long", {"a": {"$regex": "a" * 32765}}, 51091),
    ("$options alone", {"a": {"$options": "i"}}, 2),
    ("$options number", {"a": {"$regex": "a", "$options": 1}}, 2),
    ("$options unknown", {"a": {"$regex": "a", "$options": "g"}}, 51108),
    ("$options after flags", {"a": {"$regex": Regex("a", 2), "$options": "m"}}, 51075),
    ("$options before flags", {"a": {"$options": "m", "$regex": Regex("a", 2)}}, 51074),
    ("$sampleRate string", {"$sampleRate": "x"}, 2),
    ("$sampleRate above one", {"$sampleRate": 1.5}, 2),
    ("$alwaysTrue of two", {"$alwaysTrue": 2}, 9),
    ("$expr unknown operator", {"$expr": {"$bogus": 1}}, 168),
    ("$near is for queries alone", {"a": {"$near": [0, 0]}}, 5626500),
    ("$where in a filter that is no query", {"$where": "true"}, 2),
    ("$text in a filter that is no query", {"$text": {"$search": "x"}}, 2),
    ("$text below a field", {"a": {"$text": {"$search": "x"}}}, 2),
]


@pytest.mark.parametrize(("filter", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_refused(filter: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_filter(filter)
    assert caught.value.code == code


def test_nesting_is_bounded() -> None:
    filter: dict[str, Any] = {"a": 1}
    for _ in range(100):
        filter = {"$and": [filter]}
    assert parse_filter(filter).bind()({"a": 1})
    with pytest.raises(ServerError) as caught:
        parse_filter({"$or": [filter]})
    assert caught.value.code == 2


def test_a_second_definition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="twice"):
        field_operator("$gt")(lambda clause: None)
    monkeypatch.setitem(NOT_YET, "$later", "some reason")
    with pytest.raises(RuntimeError, match="NOT_YET"):
        field_operator("$later")(lambda clause: None)

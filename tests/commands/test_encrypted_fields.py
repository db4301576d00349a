"""The option `encryptedFields` of create: refused, for what is wrong with it if anything is."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

Document = dict[str, Any]

KEY = Binary(bytes(range(16)), 4)
OTHER_KEY = Binary(bytes(16), 4)
TEXT: Document = {
    "queryType": "suffixPreview",
    "strMinQueryLength": 1,
    "strMaxQueryLength": 10,
    "caseSensitive": True,
    "diacriticSensitive": True,
}


def field(**changes: Any) -> Document:
    given = {"path": "ssn", "keyId": KEY, "bsonType": "string", **changes}
    return {name: value for name, value in given.items() if value is not Ellipsis}


def queried(kind: str | None, *queries: Document) -> list[Document]:
    return [field(bsonType=kind, queries=list(queries))]


def ranged(**options: Any) -> list[Document]:
    return queried("int", {"queryType": "range", **options})


def text(**options: Any) -> list[Document]:
    given = {**TEXT, **options}
    return queried("string", {name: value for name, value in given.items() if value is not Ellipsis})


FIELDS: dict[str, tuple[Any, int]] = {
    "right": ([field()], 115),
    "right, queried": (queried("string", {"queryType": "equality", "contention": 4}), 115),
    "right, range": (ranged(min=1, max=9, sparsity=2, trimFactor=6), 115),
    "right, text": (queried("string", TEXT, {**TEXT, "queryType": "prefixPreview"}), 115),
    "no array": ({}, 14),
    "no document": (["x"], 14),
    "no path": ([field(path=...)], 40414),
    "empty path": ([field(path="")], 6316402),
    "_id": ([field(path="_id.a")], 6316403),
    "NUL": ([field(path="a\0")], 9867600),
    "key type": ([field(keyId=Binary(bytes(16), 0))], 14),
    "key length": ([field(keyId=Binary(b"short", 4))], 207),
    "type name": ([field(bsonType="text")], 2),
    "type": ([field(bsonType="minKey")], 6338406),
    "same key": ([field(), field(path="other")], 6338401),
    "same path": ([field(), field(keyId=OTHER_KEY)], 6338402),
    "path below another": ([field(), field(path="ssn.last", keyId=OTHER_KEY)], 6338403),
    "null queries": ([field(queries=None)], 14),
    "no queries": (queried("string"), 9783412),
    "three queries": (queried("string", TEXT, TEXT, TEXT), 9783413),
    "two kinds": (queried("int", {"queryType": "equality"}, {"queryType": "range"}), 9783414),
    "query type": (queried("string", {"queryType": "x"}), 2),
    "query without a type": (queried(None, {"queryType": "equality"}), 6412601),
    "equality of doubles": (queried("double", {"queryType": "equality"}), 6338405),
    "contention": (ranged(contention=-1), 2),
    "half a contention": (ranged(contention=0.5), 9),
    "sparsity": (ranged(sparsity=0), 2),
    "trim factor": (ranged(trimFactor=32), 8574000),
    "range of strings": (queried("string", {"queryType": "range"}), 6775201),
    "empty range": (ranged(min=5, max=5), 6720005),
    "range of another type": (ranged(min=Int64(1), max=9), 7018200),
    "text of numbers": (queried("int", TEXT), 9783400),
    "text without least": (text(strMinQueryLength=...), 9783402),
    "text without most": (text(strMaxQueryLength=...), 9783403),
    "text without case": (text(caseSensitive=...), 9783404),
    "text without diacritics": (text(diacriticSensitive=...), 9783405),
    "text least over most": (text(strMinQueryLength=11), 9783406),
    "text of length 0": (text(strMinQueryLength=0), 2),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields(ask: Ask, name: str) -> None:
    fields, code = FIELDS[name]
    assert ask({"create": "a", "encryptedFields": {"fields": fields}})["code"] == code


KINDS: dict[str, tuple[Document, int]] = {
    "capped": ({"capped": True, "size": 4096}, 6367301),
    "view": ({"viewOn": "b"}, 6346401),
    "time series": ({"timeseries": {"timeField": "t"}}, 6346401),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_collections(ask: Ask, name: str) -> None:
    options, code = KINDS[name]
    assert ask({"create": "a", "encryptedFields": {"fields": [field()]}, **options})["code"] == code

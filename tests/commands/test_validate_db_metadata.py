"""validateDBMetadata: what a strict user of the Stable API could not make."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

STRICT = {"version": "1", "strict": True}


@pytest.fixture(autouse=True)
def _catalog(ask: Ask) -> None:
    """A text and a sparse index in `shop.a`, in this order; nothing to say of `shop.b`; a sparse one in `other.a`."""
    ask(
        {
            "createIndexes": "a",
            "indexes": [{"key": {"t": "text"}, "name": "t"}, _sparse("s"), {"key": {"n": 1}, "name": "n"}],
        }
    )
    ask({"createIndexes": "b", "indexes": [{"key": {"u": 1}, "name": "u", "unique": True}]})
    ask({"createIndexes": "a", "indexes": [_sparse("o")]}, "other")
    ask({"create": "v", "viewOn": "a", "pipeline": [{"$match": {}}]})


def _sparse(name: str) -> dict[str, Any]:
    return {"key": {name: 1}, "name": name, "sparse": True}


def found(ask: Ask, **options: Any) -> list[tuple[str, str]]:
    reply = ask({"validateDBMetadata": 1, "apiParameters": STRICT, **options}, "admin")
    return [(each["ns"], each["errmsg"].split()[4]) for each in reply["apiVersionErrors"]]


SCOPES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "all": ({}, [("other.a", "o"), ("shop.a", "t"), ("shop.a", "s")]),
    "a database": ({"db": "shop"}, [("shop.a", "t"), ("shop.a", "s")]),
    "a collection": ({"collection": "a", "db": None}, [("other.a", "o"), ("shop.a", "t"), ("shop.a", "s")]),
    "both": ({"db": "other", "collection": "a"}, [("other.a", "o")]),
    "nothing there": ({"db": "shop", "collection": "b"}, []),
    "a view": ({"db": "shop", "collection": "v"}, []),
    "no database": ({"db": "nowhere"}, []),
    "not strict": ({"apiParameters": {"version": "1"}}, []),
    "another version": ({"apiParameters": {"version": "2", "strict": True}}, []),
}


@pytest.mark.parametrize("name", SCOPES)
def test_what_is_found(ask: Ask, name: str) -> None:
    options, expected = SCOPES[name]
    assert found(ask, **options) == expected


def test_how_it_is_told(ask: Ask) -> None:
    reply = ask({"validateDBMetadata": 1, "apiParameters": STRICT, "db": "other"}, "admin")
    message = "The index with name o is not allowed in API version 1."
    error = {"ns": "other.a", "code": 323, "codeName": "APIStrictError", "errmsg": message}
    assert reply == {"apiVersionErrors": [error], "ok": 1.0}


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "no parameters": ({"apiParameters": None}, 40414),
    "no version": ({"apiParameters": {"strict": True}}, 40414),
    "unknown parameter": ({"apiParameters": {**STRICT, "Strict": True}}, 40415),
    "strict type": ({"apiParameters": {"version": "1", "strict": 1}}, 14),
    "database type": ({"db": 1}, 14),
    "no name": ({"db": ""}, 28539),
    "dot": ({"db": "a.b"}, 73),
    "NUL": ({"db": "a\0b"}, 73),
    "long": ({"db": "a" * 64}, 73),
    "space": ({"db": "a b"}, 13280),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(ask: Ask, name: str) -> None:
    options, code = REFUSED[name]
    assert ask({"validateDBMetadata": 1, "apiParameters": STRICT, **options}, "admin")["code"] == code

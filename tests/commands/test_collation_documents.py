"""Collation documents: what is refused and with which code, and what the locale fills in."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64

from amongo.commands.collations import asked_collation, parse_collation
from amongo.errors import ServerError
from amongo.values.collation import SIMPLE

WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("without a locale", {"strength": 2}, 40414, "collation.locale"),
    ("a null locale", {"locale": None}, 40414, "collation.locale"),
    ("a locale that is no text", {"locale": 1}, 14, "collation.locale"),
    ("an empty locale", {"locale": ""}, 2, 'cannot be the empty string in: { locale: "" }'),
    ("a locale with a NUL", {"locale": "en\0"}, 2, "cannot contain null byte"),
    ("an unknown locale", {"locale": "xx"}, 2, "Field 'locale' is invalid in: { locale: \"xx\" }"),
    ("a locale in another spelling", {"locale": "en-us"}, 2, ". Did you mean 'en_US'?"),
    ("a place without rules of its own", {"locale": "de_CH"}, 2, ". Did you mean 'de'?"),
    ("an unknown variant", {"locale": "en@collation=phonebook"}, 2, ". Did you mean 'en'?"),
    ("an unknown field", {"locale": "en", "x": 1}, 40415, "collation.x"),
    ("a field in another case", {"locale": "en", "Strength": 1}, 40415, "collation.Strength"),
    ("strength 0", {"locale": "en", "strength": 0}, 2, "strength"),
    ("strength 6", {"locale": "en", "strength": 6}, 2, "strength"),
    ("strength below zero", {"locale": "en", "strength": -1}, 2, "strength"),
    ("strength NaN", {"locale": "en", "strength": float("nan")}, 2, "strength"),
    ("strength rounded up to 6", {"locale": "en", "strength": Decimal128("5.5")}, 2, "strength"),
    ("strength in text", {"locale": "en", "strength": "1"}, 14, "collation.strength"),
    ("strength as a bool", {"locale": "en", "strength": True}, 14, "collation.strength"),
    ("a flag as a number", {"locale": "en", "caseLevel": 1}, 14, "collation.caseLevel"),
    ("null backwards", {"locale": "fr", "backwards": None}, 14, "collation.backwards"),
    ("an unknown caseFirst", {"locale": "en", "caseFirst": "Upper"}, 2, "Enumeration value 'Upper'"),
    ("an unknown alternate", {"locale": "en", "alternate": "x"}, 2, "Enumeration value 'x'"),
    ("an unknown maxVariable", {"locale": "en", "maxVariable": "symbol"}, 2, "Enumeration value 'symbol'"),
    ("another version", {"locale": "en", "version": "58.1"}, 161, "only available collator version was 57.1"),
    ("a version as a number", {"locale": "en", "version": 57}, 14, "collation.version"),
    ("accents backwards without accents", {"locale": "fr", "strength": 1, "backwards": True}, 2, "'backwards' is"),
    ("as a default", {"locale": "fr_CA", "strength": 1}, 2, "'backwards' is invalid with 'strength' of 1"),
    ("case first without case", {"locale": "en", "strength": 2, "caseFirst": "upper"}, 2, "'caseFirst' is invalid"),
    ("as a default", {"locale": "da", "strength": 2}, 2, "'caseFirst' is invalid unless 'caseLevel' is on"),
    ("a type before a locale", {"locale": "xx", "strength": "1"}, 14, "collation.strength"),
    ("a locale before a version", {"locale": "xx", "version": "1"}, 2, "locale"),
    ("a version before a combination", {"locale": "fr_CA", "strength": 1, "version": "1"}, 161, "version"),
]


@pytest.mark.parametrize(("name", "document", "code", "part"), WRONG)
def test_wrong_documents(name: str, document: dict[str, Any], code: int, part: str) -> None:
    with pytest.raises(ServerError) as raised:
        parse_collation(document)
    assert raised.value.code == code
    assert part in raised.value.message


_ENGLISH = {
    "locale": "en",
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 3,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
    "version": "57.1",
}
FILLED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a locale alone", {"locale": "en"}, {}),
    ("nulls", {"locale": "en", "strength": None, "caseLevel": None, "caseFirst": None, "version": None}, {}),
    ("as it comes back", _ENGLISH, {}),
    ("a double cut", {"locale": "en", "strength": 2.9}, {"strength": 2}),
    ("a decimal rounded half to even", {"locale": "en", "strength": Decimal128("2.5")}, {"strength": 2}),
    ("a long", {"locale": "en", "strength": Int64(1)}, {"strength": 1}),
    ("Canadian French", {"locale": "fr_CA"}, {"locale": "fr_CA", "backwards": True}),
    ("not backwards", {"locale": "fr_CA", "backwards": False}, {"locale": "fr_CA"}),
    ("Danish", {"locale": "da"}, {"locale": "da", "caseFirst": "upper"}),
    (
        "Danish with a case level",
        {"locale": "da", "strength": 1, "caseLevel": True},
        {"locale": "da", "caseFirst": "upper", "strength": 1, "caseLevel": True},
    ),
    ("Thai", {"locale": "th"}, {"locale": "th", "alternate": "shifted", "normalization": True}),
    ("Vietnamese", {"locale": "vi"}, {"locale": "vi", "normalization": True}),
    ("a variant", {"locale": "de@collation=phonebook"}, {"locale": "de@collation=phonebook"}),
]


@pytest.mark.parametrize(("name", "document", "differences"), FILLED)
def test_what_the_locale_fills_in(name: str, document: dict[str, Any], differences: dict[str, Any]) -> None:
    found = parse_collation(document).document()
    assert found == _ENGLISH | differences
    assert type(found["strength"]) is int


SIMPLE_ONES: list[dict[str, Any]] = [
    {"locale": "simple"},
    {"locale": "simple", "strength": 1, "caseFirst": "upper", "backwards": True},
    {"locale": "simple", "version": "1"},
]


@pytest.mark.parametrize("document", SIMPLE_ONES)
def test_the_simple_collation(document: dict[str, Any]) -> None:
    assert parse_collation(document) is SIMPLE


def test_nothing_asked_for() -> None:
    assert asked_collation(None) is None is asked_collation({})


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("find", {"find": "fruit"}),
    ("count", {"count": "fruit"}),
    ("distinct", {"distinct": "fruit", "key": "name"}),
    ("aggregate", {"aggregate": "fruit", "pipeline": [], "cursor": {}}),
    ("findAndModify", {"findAndModify": "fruit", "remove": True}),
    ("create", {"create": "vegetables"}),
]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_checks_its_collation(ask: Ask, fruit: None, name: str, command: dict[str, Any]) -> None:
    assert ask(command | {"collation": "en"})["code"] == 14
    assert ask(command | {"collation": {"locale": "xx"}})["code"] == 2
    assert ask(command | {"collation": {"strength": 1}})["code"] == 40414
    assert ask(command | {"collation": {}}).get("code") == (40414 if name == "create" else None)
    assert ask(command | {"collation": None})["ok"] == 1.0


WRITES: list[tuple[str, dict[str, Any]]] = [
    ("update", {"update": "fruit", "updates": [{"q": {"name": "fig"}, "u": {"$set": {"n": 0}}, "multi": True}]}),
    ("delete", {"delete": "fruit", "deletes": [{"q": {"name": "fig"}, "limit": 0}]}),
]


@pytest.mark.parametrize(("name", "command"), WRITES)
def test_a_statement_with_a_wrong_collation_is_a_write_error(
    ask: Ask, fruit: None, name: str, command: dict[str, Any]
) -> None:
    field = name + "s"
    (statement,) = command[field]
    reply = ask(command | {field: [statement | {"collation": {"locale": "xx"}}]})
    assert (reply["ok"], reply["n"]) == (1.0, 0)
    assert reply["writeErrors"][0]["code"] == 2
    assert ask(command | {field: [statement | {"collation": "en"}]})["code"] == 14

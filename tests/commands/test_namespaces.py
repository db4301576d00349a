"""Names of databases and collections: what is taken, what is refused, with which error."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.commands import namespaces
from amongo.errors import ServerError

DATABASES = [
    ("letters", "shop", True),
    ("longest", "d" * 63, True),
    ("too long", "d" * 64, False),
    ("counted in bytes", "ü" * 32, False),
    ("bytes that fit", "ü" * 31, True),
    ("empty", "", False),
    ("slash", "a/b", False),
    ("backslash", "a\\b", False),
    ("dot", "a.b", False),
    ("space", "a b", False),
    ("quote", 'a"b', False),
    ("nul", "a\0b", False),
    ("tab", "a\tb", True),
    ("signs that only Windows forbids", "a*<>:|?b", True),
    ("emoji", "🎉", True),
]


@pytest.mark.parametrize(("name", "database", "is_valid"), DATABASES)
def test_database_names(name: str, database: str, is_valid: bool) -> None:
    assert namespaces.is_database_name(database) is is_valid


def test_an_invalid_database_name_is_told() -> None:
    with pytest.raises(ServerError) as raised:
        namespaces.check_database("a b")
    assert (raised.value.code, raised.value.message) == (73, "Invalid database name: 'a b'")


COLLECTIONS = [
    ("a number", 1, "collection name has invalid type int"),
    ("null", None, "collection name has invalid type null"),
    ("a document", {"a": 1}, "collection name has invalid type object"),
    ("empty", "", "Invalid namespace specified 'shop.'"),
    ("a leading dot", ".a", "Collection names cannot start with '.': .a"),
    ("a NUL", "a\0b", "namespaces cannot have embedded null characters"),
]


@pytest.mark.parametrize(("name", "value", "message"), COLLECTIONS)
def test_collection_names_that_no_command_takes(name: str, value: Any, message: str) -> None:
    with pytest.raises(ServerError) as raised:
        namespaces.collection_namespace("shop", value)
    assert (raised.value.code, raised.value.message) == (73, message)


@pytest.mark.parametrize("value", ["a", "a.b", "a b", "$a", "system.js", "é"])
def test_collection_names_that_commands_take(value: str) -> None:
    assert namespaces.collection_namespace("shop", value) == f"shop.{value}"


NOT_CREATABLE = [
    ("too long", "shop." + "c" * 251, 73),
    ("counted in bytes", "shop." + "ü" * 126, 73),
    ("a dollar", "shop.a$b", 73),
    ("the server's own", "shop.system.foo", 73),
    ("of another database", "shop.system.roles", 73),
    ("another case", "Shop.a", 13297),
]


@pytest.mark.parametrize(("name", "namespace", "code"), NOT_CREATABLE)
def test_collections_that_cannot_be_created(name: str, namespace: str, code: int) -> None:
    with pytest.raises(ServerError) as raised:
        namespaces.check_creatable(namespace, ["shop"])
    assert raised.value.code == code


@pytest.mark.parametrize(
    "namespace", ["shop." + "c" * 250, "shop.system.js", "admin.system.roles", "other.a", "shop.a"]
)
def test_collections_that_can_be_created(namespace: str) -> None:
    namespaces.check_creatable(namespace, ["shop", "admin"])


FULL = [
    ("no dot", "nodot"),
    ("empty", ""),
    ("no database", ".a"),
    ("no collection", "shop."),
    ("two dots", "shop..a"),
    ("a NUL", "shop.a\0"),
    ("a bad database", "sh op.a"),
]


@pytest.mark.parametrize(("name", "namespace"), FULL)
def test_full_namespaces_that_are_refused(name: str, namespace: str) -> None:
    with pytest.raises(ServerError) as raised:
        namespaces.parse_namespace(namespace)
    assert raised.value.code == 73


def test_a_full_namespace_is_taken_apart_at_the_first_dot() -> None:
    assert namespaces.parse_namespace("shop.a.b") == ("shop", "a.b")


def test_a_system_collection_is_not_written_to() -> None:
    with pytest.raises(ServerError) as raised:
        namespaces.check_writable("shop.system.foo")
    assert (raised.value.code, raised.value.message) == (73, "cannot write to 'shop.system.foo'")
    namespaces.check_writable("shop.system.js")
    namespaces.check_writable("shop.systems")

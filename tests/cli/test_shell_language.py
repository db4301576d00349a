"""The shell's language: what it reads, what it refuses, and that values that are written are read again."""

from __future__ import annotations

import math
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given

from amongo.cli.shell.history import is_secret
from amongo.cli.shell.language import Chain, Literal, ShellSyntaxError, Step, Word, document_of, statements_of
from amongo.cli.shell.rendering import rendered
from amongo.cli.transfer.extended_json import WRAPPERS
from amongo.values.codec import decode_foreign, encode
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from tests.cli.drawn_documents import DOCUMENTS

VALUES = {
    "1": 1, "-5": -5, "2147483648": Int64(2147483648), "1.0": 1.0, ".5": 0.5, "1e3": 1000.0, "0x1F": 31,
    "'a\\'b'": "a'b",
    '"\\u00e9\\n"': "é\n", "`a b`": "a b", "'\\ud83d\\ude00'": "😀", "true": True, "null": None, "undefined": UNDEFINED,
    "NaN": math.nan, "-Infinity": -math.inf, "[1, [], {},]": [1, [], {}], "{a: 1, 'b c': 2, 3: 4, $set: {}}": {"a": 1,
    "b c": 2, "3": 4, "$set": {}}, "/a\\/b[/]/i": Regex("a/b[/]", 2), "ObjectId('000000000000000000000001')":
    ObjectId("0" * 23 + "1"), "ISODate('2020-01-01')": DatetimeMS(1577836800000), "new Date(5)": DatetimeMS(5),
    "NumberInt(5)": 5, "NumberLong('5')": Int64(5), "Long(5)": Int64(5), "NumberDecimal('1.10')": Decimal128("1.10"),
    "Double(5)": 5.0, "UUID('00112233-4455-6677-8899-aabbccddeeff')":
    Binary(bytes.fromhex("00112233445566778899aabbccddeeff"), 4), "BinData(5, 'AA==')": Binary(b"\0", 5),
    "HexData(0, '00ff')": Binary(b"\x00\xff", 0), "Timestamp(1, 2)": Timestamp(1, 2), "Timestamp({t: 1, i: 2})":
    Timestamp(1, 2), "MinKey()": MinKey(), "MaxKey": MaxKey(), "RegExp('a', 'i')": Regex("a", 2),
    "DBRef('a', 1)": {"$ref": "a", "$id": 1}, "Code('x', {a: 1})": Code("x", {"a": 1}), "BSONSymbol('a')": Symbol("a"),
    "DBPointer('a', ObjectId('000000000000000000000001'))": DBPointer("a", ObjectId("0" * 23 + "1")),
    '{"$numberLong": "5"}': Int64(5), '{$date: "2020-01-01T00:00:00Z"}': DatetimeMS(1577836800000),
    "// why\n1 /* not */": 1,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items(), ids=VALUES)
def test_values(text: str, value: Any) -> None:
    (statement,) = statements_of(text)
    assert isinstance(statement, Literal)
    assert (type(statement.value), encode({"": statement.value})) == (type(value), encode({"": value}))


STATEMENTS = {
    "use shop": [Word("use", ("shop",))],
    "show dbs; it": [Word("show", ("dbs",)), Word("it")],
    "exit()": [Word("exit")],
    "db": [Chain("db")],
    "db.a.b.find()": [Chain("db", (Step("a"), Step("b"), Step("find", ())))],
    'db["a b"].find({}, {a: 1}).sort({b: -1})': [
        Chain("db", (Step("a b"), Step("find", ({}, {"a": 1})), Step("sort", ({"b": -1},))))
    ],
    "db.a\n  .find()\n  .limit(5)\ndb.stats()": [
        Chain("db", (Step("a"), Step("find", ()), Step("limit", (5,)))), Chain("db", (Step("stats", ()),)),
    ],
    "rs.status().members[0]": [Chain("rs", (Step("status", ()), Step("members"), Step("0")))],
    "{ping: 1};": [Literal({"ping": 1})],
    " ; // nothing": [],
}  # fmt: skip


@pytest.mark.parametrize(("text", "statements"), STATEMENTS.items(), ids=STATEMENTS)
def test_statements(text: str, statements: list[Any]) -> None:
    assert statements_of(text) == statements


REFUSED = [
    "1 + 1", "db.a.find(x)", "function() {}", "db.a.find(() => 1)", "var a = 1", "'a", "{a: 1,, b: 2}", "{a 1}", "/a",
    "`${1}`", "ObjectId('x')", "ISODate('yesterday')", "NumberInt(2147483648)", "NumberLong('x')", "{$oid: 1}",
    "{a: 1, a: 2}",
    "db.a.find().forEach(printjson)", "__import__('os')", "db.a.find()) ", "'\\u12'", "'\\ud800'", "{$date: 'x'}",
    "process.exit()",
    "new Nope()", "db.[1]", "{a: 1} {b: 2}", "[" * 300 + "]" * 300, "BinData(0, '*')", "RegExp('a', 'q')",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=[each[:30] for each in REFUSED])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ShellSyntaxError) as failure:
        statements_of(text)
    assert not failure.value.is_cut or text in ("/a",)


@pytest.mark.parametrize("text", ["db.a.find({", "db.a.find({a: [", "{a:", "[1,", "db.a.find(", "`a", "db."])
def test_what_may_go_on_in_the_next_line(text: str) -> None:
    with pytest.raises(ShellSyntaxError) as failure:
        statements_of(text)
    assert failure.value.is_cut


def test_one_document() -> None:
    assert document_of(" {a: {$gt: 5}} ") == {"a": {"$gt": 5}}
    for text in ("5", "{} {}", ""):
        with pytest.raises(ShellSyntaxError):
            document_of(text)


@given(DOCUMENTS)
def test_what_is_written_is_read_again(document: dict[str, Any]) -> None:
    raw = encode(document)
    (statement,) = statements_of(rendered(decode_foreign(raw)))
    assert isinstance(statement, Literal)
    assert encode(statement.value) == raw


def test_nothing_that_is_written_changes_a_terminal() -> None:
    text = rendered({"\x1b[2J": "\x1b]0;x\x07\x9b\u202e", "b": Symbol("\x1b")})
    assert all(character.isprintable() or character in "\n " for character in text)


def test_long_documents_are_broken_into_lines() -> None:
    assert rendered({"a": 1, "b": [1, 2]}) == "{ a: 1, b: [ 1, 2 ] }"
    text = rendered({"a": "x" * 80, "b": {"c": 1}})
    assert text == "{\n  a: '" + "x" * 80 + "',\n  b: { c: 1 }\n}"


@pytest.mark.parametrize("name", sorted(WRAPPERS))
def test_names_of_wrappers_are_quoted(name: str) -> None:
    assert rendered({name: 1}) == f'{{ "{name}": 1 }}'


SECRETS = [
    'db.createUser({user: "a", pwd: "b", roles: []})',
    "db.runCommand({updateUser: 'a', pwd: 'x'})",
    "mongodb://a:b@c",
]


@pytest.mark.parametrize("line", SECRETS)
def test_lines_with_passwords_are_not_kept(line: str) -> None:
    assert is_secret(line)
    assert not is_secret("db.orders.find({})")

"""The language of the shell: a small part of what mongosh reads, by a parser of its own.

    use shop                                 a word, and what follows it
    show dbs
    db.orders.find({qty: {$gt: 5}}).sort({_id: -1})
    db["odd name"].countDocuments()
    {ping: 1}                                a document: a command of the current database

Values are those of JavaScript and Extended JSON: names of fields without quotes, strings in either quotes, regular
expressions, comments, and the types' own words (`ObjectId("…")`, `ISODate("…")`, `NumberLong(5)`, …). An integer that
fits is an int32, or else an int64; a number with a point is a double.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from bson import MaxKey, MinKey
from bson.errors import BSONError

from amongo.cli.shell.type_words import MAKERS
from amongo.cli.transfer.extended_json import NoExtendedJson, integer_of, object_of, regex_from
from amongo.runtime.limits import SHELL_DEPTH
from amongo.values.deprecated import UNDEFINED

_SPACE: Final = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_$\u00a1-\uffff][\w$]*")
_NUMBER: Final = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)
_REGEX: Final = re.compile(r"/((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WORDS: Final[Mapping[str, Any]] = {
    "true": True, "false": False, "null": None, "undefined": UNDEFINED, "NaN": math.nan, "Infinity": math.inf,
    "MinKey": MinKey(), "MaxKey": MaxKey(),
}  # fmt: skip
_LINES: Final = ("use", "show", "it", "help", "exit", "quit", "cls")  # words that take the rest of their line
_TARGETS: Final = ("db", "rs")


class ShellSyntaxError(ValueError):
    """A line that the shell does not read.

    is_cut   it ends too early: more of it may follow
    """

    def __init__(self, message: str, *, is_cut: bool = False) -> None:
        super().__init__(message)
        self.is_cut = is_cut


@dataclass(frozen=True, slots=True)
class Word:
    """`use shop`: a word, and what follows it."""

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """`.find({…})`, `.orders` or `["orders"]` behind something.

    arguments   None where nothing is called
    """

    name: str
    arguments: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """`db` or `rs`, and what follows it."""

    root: str
    steps: tuple[Step, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands alone."""

    value: Any


Statement = Word | Chain | Literal


def statements_of(text: str) -> list[Statement]:
    """The statements of a text, divided by `;` or line ends.

    errors   ShellSyntaxError
    """
    parser = _Parser(text)
    statements = []
    while parser.has_more():
        statements.append(parser.statement())
    return statements


def document_of(text: str) -> dict[str, Any]:
    """The one document that a text holds, of canonical values.

    errors   ShellSyntaxError
    """
    parser = _Parser(text)
    value = parser.value()
    if parser.has_more():
        parser.fail("nothing may follow the document")
    if type(value) is not dict:
        raise ShellSyntaxError(f"a document is expected, and not {text.strip()[:40]!r}")
    return value


class _Parser:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def has_more(self) -> bool:
        """Whether anything but white space, comments and `;` follows."""
        self._skip()
        while self._text.startswith(";", self._at):
            self._at += 1
            self._skip()
        return self._at < len(self._text)

    def statement(self) -> Statement:
        """The next statement."""
        found = _NAME.match(self._text, self._at)
        if found and found[0] in _LINES:
            end = len(self._text)
            for stop in "\n;":
                at = self._text.find(stop, self._at)
                end = at if 0 <= at < end else end
            words = self._text[self._at : end].split()
            self._at = end
            return Word(words[0].removesuffix("()"), tuple(words[1:]))
        statement: Statement
        if found and found[0] in _TARGETS:
            self._at = found.end()
            statement = Chain(found[0], tuple(self._steps()))
        else:
            statement = Literal(self.value())
        self._end_of_statement()
        return statement

    def _end_of_statement(self) -> None:
        before = self._at
        self._skip()
        rest_of_line = self._text[before : self._at]
        if self._at < len(self._text) and self._text[self._at] != ";" and "\n" not in rest_of_line:
            self.fail(f"unexpected {self._text[self._at : self._at + 10]!r}")

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        while True:
            mark = self._at
            self._skip()
            if self._take("."):
                name = self._name("a name is expected behind `.`")
                steps.append(Step(name))
            elif self._peek("[") and "\n" not in self._text[mark : self._at]:
                self._at += 1
                name = self.value()
                if type(name) not in (str, int):
                    self.fail("a name in quotes or a number is expected within `[ ]`")
                self._expect("]")
                steps.append(Step(str(name)))
            elif steps and self._peek("(") and steps[-1].arguments is None:
                steps[-1] = Step(steps[-1].name, self._arguments())
            else:
                self._at = mark
                return steps

    def _arguments(self) -> tuple[Any, ...]:
        self._expect("(")
        return tuple(self._items(")"))

    def _items(self, end: str) -> list[Any]:
        items: list[Any] = []
        self._skip()
        while not self._take(end):
            items.append(self.value())
            self._skip()
            if not self._take(","):
                self._expect(end)
                return items
            self._skip()
        return items

    def value(self) -> Any:
        """The next value."""
        self._depth += 1
        if self._depth > SHELL_DEPTH:
            self.fail("nested too deep")
        try:
            return self._value()
        finally:
            self._depth -= 1

    def _value(self) -> Any:
        self._skip()
        first = self._text[self._at : self._at + 1]
        if not first:
            self.fail("a value is expected")
        if first == "{":
            return self._document()
        if first == "[":
            self._at += 1
            return self._items("]")
        if first in "\"'`":
            return self._string()
        if first == "/":
            return self._regex()
        if self._text.startswith(("-Infinity", "+Infinity"), self._at):
            self._at += len("-Infinity")
            return math.inf if first == "+" else -math.inf
        number = _NUMBER.match(self._text, self._at)
        if number and (first.isdigit() or first in "+-."):
            self._at = number.end()
            return _number(number[0])
        return self._word()

    def _document(self) -> Any:
        self._expect("{")
        pairs: list[tuple[str, Any]] = []
        self._skip()
        while not self._take("}"):
            pairs.append((self._key(), self._colon_value()))
            self._skip()
            if not self._take(","):
                self._expect("}")
                break
            self._skip()
        try:
            return object_of(pairs)
        except NoExtendedJson as error:
            self.fail(str(error), is_cut=False)

    def _key(self) -> str:
        first = self._text[self._at : self._at + 1]
        if first in ("'", '"', "`") and first:
            return self._string()
        number = re.compile(r"\d+").match(self._text, self._at)
        if number:
            self._at = number.end()
            return number[0]
        return self._name("the name of a field is expected")

    def _colon_value(self) -> Any:
        self._expect(":")
        return self.value()

    def _string(self) -> str:
        quote = self._text[self._at]
        begin = self._at
        self._at += 1
        pieces = []
        while True:
            character = self._text[self._at : self._at + 1]
            if not character or (character == "\n" and quote != "`"):
                self._at = begin
                raise ShellSyntaxError("a string does not end", is_cut=not character and quote == "`")
            self._at += 1
            if character == quote:
                break
            if quote == "`" and character == "$" and self._peek("{"):
                self.fail("`${ }` is not evaluated here")
            pieces.append(self._escape() if character == "\\" else character)
        text = "".join(pieces)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fail("a string holds half of a surrogate pair", is_cut=False)

    def _escape(self) -> str:
        character = self._text[self._at : self._at + 1]
        self._at += 1
        for letter, digits in (("u", 4), ("x", 2)):
            if character == letter:
                found = re.compile(f"[0-9a-fA-F]{{{digits}}}").match(self._text, self._at)
                if found is None:
                    self.fail(f"`\\{letter}` takes {digits} hexadecimal digits")
                self._at = found.end()
                return chr(int(found[0], 16))
        return "" if character == "\n" else _ESCAPES.get(character, character)

    def _regex(self) -> Any:
        found = _REGEX.match(self._text, self._at)
        if found is None:
            self.fail("a regular expression does not end")
        self._at = found.end()
        try:
            return regex_from(found[1].replace("\\/", "/"), found[2].replace("g", ""))
        except NoExtendedJson as error:
            self.fail(str(error), is_cut=False)

    def _word(self) -> Any:
        begin = self._at
        name = self._name("a value is expected")
        if name == "new":
            self._skip()
            name = self._name("a type is expected behind `new`")
        while self._peek("."):
            self._at += 1
            name += "." + self._name("a name is expected behind `.`")
        mark = self._at
        self._skip()
        if self._peek("("):
            make = MAKERS.get(name)
            if make is None:
                self._at = begin
                self.fail(f"`{name}( )` is not known here; functions are not evaluated")
            arguments = self._arguments()
            try:
                return make(*arguments)
            except (ValueError, TypeError, ArithmeticError, BSONError) as error:
                self._at = begin
                self.fail(f"{name}: {error}", is_cut=False)
        self._at = mark
        if name not in _WORDS:
            self._at = begin
            self.fail(f"`{name}` is not known here; functions and variables are not evaluated")
        return _WORDS[name]

    def _name(self, expected: str) -> str:
        self._skip()
        found = _NAME.match(self._text, self._at)
        if found is None:
            self.fail(expected)
        self._at = found.end()
        return found[0]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _take(self, token: str) -> bool:
        is_there = self._peek(token)
        self._at += len(token) * is_there
        return is_there

    def _expect(self, token: str) -> None:
        self._skip()
        if not self._take(token):
            self.fail(f"`{token}` is expected")

    def fail(self, message: str, *, is_cut: bool = True) -> NoReturn:
        """Refuse the text, with the place. errors: ShellSyntaxError.

        is_cut   more text might mend it, if this is its end
        """
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        place = f"line {line}, column {column}" if "\n" in self._text.strip() else f"column {column}"
        raise ShellSyntaxError(f"{message} ({place})", is_cut=is_cut and self._at >= len(self._text.rstrip()))


def _number(text: str) -> int | float:
    if "x" in text.lower():
        return integer_of(str(int(text, 16)))
    if re.fullmatch(r"[+-]?\d+", text):
        return integer_of(text)
    return float(text)

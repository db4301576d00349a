"""Documents of a JSON file: one behind the other (as in JSON lines), or in an array; known by the first character.

A document is parsed as soon as it is whole, so that a file of any length needs the memory of one document.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from bson.errors import InvalidDocument

from amongo.cli.transfer.extended_json import DECODER, NoExtendedJson
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.runtime.limits import BSON_DEPTH, JSON_DOCUMENT_CHARACTERS, READ_BLOCK_BYTES
from amongo.values.codec import encode

_SPACE: Final = " \t\r\n"
_CUT_CHARACTERS: Final = 16  # an error so near the end of what has been read may come from where it was cut


class JsonReader:
    """The documents of a JSON file."""

    unit: ClassVar[str] = "line"

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._line = 1
        self._is_read = False
        self._decoded_bytes = 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(the line where a document begins, the document as BSON).

        errors   MalformedInput
        """
        self._more()
        self._text = self._text.removeprefix("\ufeff")
        is_array = self._next() == "["
        if is_array:
            self._at += 1
            if self._next() == "]":
                self._end_of_array()
                return
        while (first := self._next()) != "":
            if first != "{":
                raise self._wrong(f"a document is expected, and not {self._text[self._at : self._at + 20]!r}")
            yield self._document()
            if is_array and self._comma_or_end():
                return
        if is_array:
            raise self._wrong("the array ends too early")

    def _comma_or_end(self) -> bool:
        """Whether the array ends here; otherwise its next document follows."""
        found = self._next()
        if found == "]":
            self._end_of_array()
            return True
        if found != ",":
            what = "the array ends too early" if found == "" else f"`,` or `]` is expected, and not {found!r}"
            raise self._wrong(what)
        self._at += 1
        if self._next() == "]":
            raise self._wrong("a document is expected behind `,`")
        return False

    def _end_of_array(self) -> None:
        self._at += 1
        if self._next() != "":
            raise self._wrong("nothing may follow the array")

    def _next(self) -> str:
        """The next character that is no white space, which stays; "" at the end."""
        while True:
            while self._at < len(self._text):
                character = self._text[self._at]
                if character not in _SPACE:
                    return character
                self._line += character == "\n"
                self._at += 1
            if not self._more():
                return ""

    def _document(self) -> tuple[int, bytes]:
        line = self._line
        wanted = READ_BLOCK_BYTES
        while True:
            try:
                document, end = DECODER.raw_decode(self._text, self._at)
                if type(document) is not dict:
                    raise self._wrong("a document is expected, and not a single value")
                if self._opened(end) > BSON_DEPTH and is_too_deep(document):
                    raise RecursionError
                raw = encode(document)
                break
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _CUT_CHARACTERS
                if is_cut and not self._is_read:
                    wanted = max(wanted, len(self._text) - self._at)  # twice as much: what is parsed again stays linear
                    if len(self._text) - self._at > JSON_DOCUMENT_CHARACTERS:
                        raise self._wrong("a document does not end") from None
                    self._more(wanted)
                    continue
                self._fail(line, error)
            except NoExtendedJson as error:
                raise self._wrong(f"{error} (in the document that begins here)") from None
            except RecursionError:
                raise self._wrong("the document that begins here is nested too deep") from None
            except (InvalidDocument, OverflowError, UnicodeEncodeError, AttributeError) as error:
                raise self._wrong(f"the document that begins here is none: {error}") from None
        self._line += self._text.count("\n", self._at, end)
        self._at = end
        return line, raw

    def _opened(self, end: int) -> int:
        """How many documents and arrays begin in the text of a document, about."""
        return self._text.count("{", self._at, end) + self._text.count("[", self._at, end)

    def _fail(self, line: int, error: json.JSONDecodeError) -> None:
        self._line = line + self._text.count("\n", self._at, error.pos)
        self._at = min(error.pos, len(self._text))
        what = "the file ends within a document" if error.pos >= len(self._text) else error.msg
        raise self._wrong(
            what if self._line == line else f"{what} (in the document that begins at line {line})"
        ) from None

    def _more(self, size_bytes: int = READ_BLOCK_BYTES) -> bool:
        """Read on; whether there was more."""
        if self._is_read:
            return False
        block = self._file.read(size_bytes)
        self._is_read = len(block) < size_bytes
        try:
            text = self._decoder.decode(block, final=self._is_read)
        except UnicodeDecodeError as error:
            at = self._decoded_bytes + error.start
            raise MalformedInput(f"{self._file.name}: invalid UTF-8 near byte {at}: {error.reason}") from None
        self._decoded_bytes += len(block)
        self._column_base(text)
        return bool(text)

    def _column_base(self, text: str) -> None:
        begin = self._text.rfind("\n", 0, self._at) + 1  # what is told of a place needs its line
        self._text, self._at = self._text[begin:] + text, self._at - begin

    def _wrong(self, what: str) -> MalformedInput:
        column = self._at - self._text.rfind("\n", 0, self._at)
        return MalformedInput(f"{self._file.name}, line {self._line}, column {column}: {what}")


def is_too_deep(document: dict[str, Any]) -> bool:
    """Whether documents and arrays lie in one another more often than BSON allows."""
    level: list[Any] = [document]
    for _ in range(BSON_DEPTH + 1):
        values = (each.values() if type(each) is dict else each for each in level)
        level = [value for of_one in values for value in of_one if type(value) in (dict, list)]
    return bool(level)

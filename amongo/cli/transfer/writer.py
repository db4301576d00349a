"""Writers: documents as BSON in, a file out."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any, Final, Protocol

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.cli.transfer.csv_columns import is_index
from amongo.cli.transfer.extended_json import iso_of, shaped, text_of
from amongo.cli.transfer.malformed import Unwritable
from amongo.values.codec import decode_foreign
from amongo.values.deprecated import Symbol

_LENGTH: Final = struct.Struct("<i")
_YEARS_MS: Final = range(-62_135_596_800_000, 253_402_300_800_000)  # the years 1 to 9999


class Writer(Protocol):
    """Takes documents, one after another."""

    def add(self, raw: bytes) -> None:
        """Write a document.

        errors   Unwritable, OSError
        """
        ...

    def end(self) -> None:
        """Write what comes behind the last document."""
        ...

    def give_up(self) -> None:
        """Let go of the file, which will not be whole."""
        ...


def documents_of(batch: bytes) -> Iterator[bytes]:
    """The documents of a raw batch: BSON, one behind the other."""
    at = 0
    while at < len(batch):
        end = at + _LENGTH.unpack_from(batch, at)[0]
        yield batch[at:end]
        at = end


class BsonWriter:
    """Documents one behind the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, raw: bytes) -> None:
        """Write a document."""
        self._file.write(raw)

    def end(self) -> None:
        """Nothing follows."""

    def give_up(self) -> None:
        """Nothing is held."""


class JsonWriter:
    """Documents as Extended JSON: one in a line, or an array of them.

    is_canonical   every number with its type
    is_array       `[`, documents with `,` between them, `]`
    """

    def __init__(self, file: IO[bytes], *, is_canonical: bool, is_array: bool) -> None:
        self._file = file
        self._is_canonical = is_canonical
        self._is_array = is_array
        self._count = 0

    def add(self, raw: bytes) -> None:
        """Write a document.

        errors   Unwritable
        """
        text = text_of(decode_foreign(raw), is_canonical=self._is_canonical)
        if self._is_array:
            self._file.write((b",\n" if self._count else b"[") + text)
        else:
            self._file.write(text + b"\n")
        self._count += 1

    def end(self) -> None:
        """Close the array."""
        if self._is_array:
            self._file.write(b"]\n" if self._count else b"[]\n")

    def give_up(self) -> None:
        """Nothing is held."""


class CsvWriter:
    """Some fields of documents, a row each. Source: manual, mongoexport, `--fields`.

    A missing field and null are empty cells, documents and arrays Extended JSON; dates are ISO-8601.
    """

    def __init__(self, file: IO[bytes], fields: Sequence[str], *, has_header: bool = True) -> None:
        self._paths = [field.split(".") for field in fields]
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
        self._rows = csv.writer(self._text, lineterminator="\n")
        if has_header:
            self._rows.writerow(fields)

    def add(self, raw: bytes) -> None:
        """Write a row.

        errors   Unwritable
        """
        document = decode_foreign(raw)
        self._rows.writerow([_cell(_at_path(document, path)) for path in self._paths])

    def end(self) -> None:
        """Write what is still held."""
        self._text.flush()
        self._text.detach()

    def give_up(self) -> None:
        """Leave the file to who opened it."""
        with suppress(OSError):
            self._text.detach()


def _at_path(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if type(value) is dict:
            value = value.get(name)
        elif type(value) is list and is_index(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _cell(value: Any) -> str:
    kind = type(value)
    if value is None:
        return ""
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is ObjectId:
        return f"ObjectId({value})"  # as mongoexport writes it
    if kind is DatetimeMS and int(value) in _YEARS_MS:
        return iso_of(int(value))
    if kind is Symbol:
        return str(value.text)
    try:
        plain = shaped(value, False)
    except Unwritable:
        raise
    if type(plain) in (int, float):
        return repr(plain)
    if type(plain) is dict and "$numberDecimal" in plain:
        return str(plain["$numberDecimal"])
    if type(plain) is dict and "$numberDouble" in plain:
        return str(plain["$numberDouble"])
    return text_of(value, is_canonical=False).decode()

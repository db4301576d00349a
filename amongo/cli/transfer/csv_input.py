"""Documents of a CSV or TSV file: a row each. Source: manual, mongoimport.

A row with more cells than columns gives the others the names `field3`, `field4`, …; one with less leaves fields out.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bson.errors import InvalidDocument

from amongo.cli.transfer.csv_columns import (
    AUTO_CAST,
    SKIP_FIELD,
    SKIP_ROW,
    Column,
    auto,
    columns_of,
    put,
)
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.runtime.limits import DOCUMENT_BYTES, READ_BLOCK_BYTES
from amongo.values.codec import encode


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How a file of rows is read.

    fields               the columns' names; None where the first line has them
    have_types           the names have types behind them
    grace                what to do with a cell that is none of its type; one of GRACES
    ignores_blanks       an empty cell makes no field
    uses_array_indexes   numbers in paths are places in arrays
    is_tab_separated     TSV: tabs divide, and nothing is quoted
    """

    fields: Sequence[str] | None = None
    have_types: bool = False
    grace: str = "stop"
    ignores_blanks: bool = False
    uses_array_indexes: bool = False
    is_tab_separated: bool = False


class CsvReader:
    """The documents of a file of rows.

    skipped   rows that `skipRow` has left out, so far
    """

    unit: ClassVar[str] = "line"

    def __init__(self, file: InputFile, options: CsvOptions) -> None:
        self._file = file
        self._options = options
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(the line where a row ends, its document as BSON).

        errors   MalformedInput
        """
        rows = self._rows()
        headers: Sequence[str] | None = self._options.fields
        if headers is None:
            _, headers = next(rows, (1, []))
            if not headers:
                raise MalformedInput(f"{self._file.name}: there is no header line")
        options = self._options
        try:
            columns = columns_of(headers, have_types=options.have_types, uses_array_indexes=options.uses_array_indexes)
        except ValueError as error:
            raise MalformedInput(f"{self._file.name}: {error}") from None
        names = {each.name for each in columns}
        for line, cells in rows:
            try:
                document = self._document(columns, names, cells)
                if document is not None:
                    yield line, encode(document)
            except (ValueError, InvalidDocument, OverflowError) as error:
                raise MalformedInput(f"{self._file.name}, line {line}: {error}") from None

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        lines = self._lines()
        if self._options.is_tab_separated:
            for number, line in enumerate(lines, 1):
                if stripped := line.rstrip("\r\n"):
                    yield number, stripped.split("\t")
            return
        csv.field_size_limit(DOCUMENT_BYTES)
        reader = csv.reader(lines, strict=True, skipinitialspace=True)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise MalformedInput(f"{self._file.name}, line {reader.line_num}: {error}") from None
            if cells:
                yield reader.line_num, cells

    def _lines(self) -> Iterator[str]:
        """The lines, with their ends; a CSV file may have line ends within quotes."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        rest, read_bytes, is_read = "", 0, False
        while not is_read:
            block = self._file.read(READ_BLOCK_BYTES)
            is_read = len(block) < READ_BLOCK_BYTES
            try:
                rest += decoder.decode(block, final=is_read)
            except UnicodeDecodeError as error:
                at = read_bytes + error.start
                raise MalformedInput(f"{self._file.name}: invalid UTF-8 near byte {at}: {error.reason}") from None
            read_bytes += len(block)
            *lines, rest = rest.split("\n")
            for line in lines:
                yield line + "\n"
            if len(rest) > DOCUMENT_BYTES:
                raise MalformedInput(f"{self._file.name}: a line near byte {read_bytes} is longer than a document")
        if rest:
            yield rest

    def _document(self, columns: Sequence[Column], names: set[str], cells: Sequence[str]) -> dict[str, Any] | None:
        """The document of a row; None for a row that is left out.

        errors   ValueError
        """
        options = self._options
        document: dict[str, Any] = {}
        for number, cell in enumerate(cells):
            if not cell and options.ignores_blanks:
                continue
            if number >= len(columns):
                name = f"field{number}"
                if name in names:
                    raise ValueError(f"cell {number + 1} would be the field {name!r}, which is a column")
                document[name] = auto(cell)
                continue
            column = columns[number]
            try:
                value = column.parse(cell)
            except (ValueError, OverflowError) as error:
                if options.grace == AUTO_CAST:
                    value = auto(cell)
                elif options.grace == SKIP_FIELD:
                    continue
                elif options.grace == SKIP_ROW:
                    self.skipped += 1
                    return None
                else:
                    raise ValueError(f"column {column.name!r} of type {column.type_name}: {error}") from None
            if len(column.parts) > 1:
                put(document, column.parts, value, uses_array_indexes=options.uses_array_indexes)
            else:
                document[column.name] = value
        return document

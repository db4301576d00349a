"""`amongo export`: documents of a store into a file, a dump or an archive.

The options are those of mongoexport and mongodump, by their names. A file appears under its name only when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import typer
from bson.raw_bson import RawBSONDocument
from pymongo.errors import PyMongoError
from rich.console import Console

from amongo.cli.address import default_database, opened
from amongo.cli.exits import impossible
from amongo.cli.shell.language import ShellSyntaxError, document_of
from amongo.cli.transfer.archive import ArchiveWriter
from amongo.cli.transfer.csv_columns import is_index, split_fields
from amongo.cli.transfer.dump_directory import bson_path, write_metadata
from amongo.cli.transfer.dump_metadata import TIME_SERIES, VIEW, Metadata, collections_of
from amongo.cli.transfer.files import STANDARD, writing
from amongo.cli.transfer.malformed import Unwritable
from amongo.cli.transfer.meter import Meter
from amongo.cli.transfer.writer import BsonWriter, CsvWriter, JsonWriter, Writer, documents_of
from amongo.commands.build_info import SERVER_VERSION, own_version
from amongo.errors import ServerError
from amongo.runtime.limits import EXPORT_BATCH_COUNT
from amongo.values.codec import decode_foreign, encode_in_order

JSON, BSON, CSV, PARQUET, DUMP, ARCHIVE = "json", "bson", "csv", "parquet", "dump", "archive"
TYPES: Final = (JSON, BSON, CSV, PARQUET, DUMP, ARCHIVE)
_BY_ENDING: Final = {
    ".json": JSON, ".jsonl": JSON, ".ndjson": JSON, ".bson": BSON, ".csv": CSV, ".parquet": PARQUET,
    ".archive": ARCHIVE,
}  # fmt: skip
DEFAULT_DATABASE: Final = "test"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents.

    filter, sort   documents, or None
    fields         only these; None for all
    skip, limit    0 for none
    """

    filter: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    fields: Sequence[str] | None = None
    skip: int = 0
    limit: int = 0

    def batches(self, collection: Any) -> Iterator[bytes]:
        """The documents of a collection, in batches of BSON.

        errors   PyMongoError
        """
        options: dict[str, Any] = {"skip": self.skip, "limit": self.limit, "batch_size": EXPORT_BATCH_COUNT}
        if self.sort:
            options["sort"] = list(self.sort.items())
        if self.fields is not None:
            options["projection"] = projection_of(self.fields)
        query = None if self.filter is None else RawBSONDocument(encode_in_order(self.filter))
        with collection.find_raw_batches(query, **options) as cursor:
            yield from cursor


def export_command(
    store: str = typer.Argument(help="Directory of a store, or any URI."),
    out: str = typer.Argument("-", help="File, or directory of a dump, to write; `-` is the standard output."),
    database: str | None = typer.Option(None, "--db", "-d", help="Database; of a dump all without it."),
    collection: str | None = typer.Option(None, "--collection", "-c", help="Collection; of a dump all without it."),
    kind: str | None = typer.Option(None, "--type", help=f"One of {', '.join(TYPES)}; else the file's ending tells."),
    query: str | None = typer.Option(None, "--query", "-q", help="Filter, in Extended JSON or as in the shell."),
    sort: str | None = typer.Option(None, "--sort", help="Sort pattern, `{a: 1}`."),
    fields: str | None = typer.Option(None, "--fields", "-f", help="Only these fields, with commas between."),
    skip: int = typer.Option(0, "--skip", min=0),
    limit: int = typer.Option(0, "--limit", min=0),
    json_format: str = typer.Option(
        "relaxed", "--jsonFormat", help="relaxed, or canonical: every number with its type."
    ),
    json_array: bool = typer.Option(False, "--jsonArray", help="One array instead of a document in each line."),
    no_header: bool = typer.Option(False, "--noHeaderLine", help="CSV: no line with the columns' names."),
    compress: bool = typer.Option(False, "--gzip", help="Compress; also where the file's name ends in .gz."),
    quiet: bool = typer.Option(False, "--quiet", help="Say nothing but errors."),
) -> None:
    """Export documents: JSON lines or an array, BSON, CSV, Parquet, dumps and archives for mongorestore."""
    kind = kind or _BY_ENDING.get(
        os.path.splitext(out.removesuffix(".gz"))[1].lower(), JSON if out == STANDARD else None
    )
    _check(kind, json_format, fields, out)
    columns = None if fields is None else split_fields(fields)
    is_compressed = compress or out.endswith(".gz")

    def say(text: str) -> None:
        if not quiet:
            Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        selection = Selection(_parsed(query, "--query"), _parsed(sort, "--sort"), columns, skip, limit)
        named = database or default_database(store)
        with opened(store) as client, Meter(out, is_quiet=quiet) as meter:
            if kind in (DUMP, ARCHIVE):
                chosen = list(collections_of(client, named, collection))
                if not chosen:
                    raise impossible("There is nothing to export.")
                run = _dump if kind == DUMP else _archive
                run(client, chosen, selection, out, is_compressed, meter)
                for each in chosen:
                    if each.kind == TIME_SERIES:
                        say(
                            f"{each.database}.{each.collection}: its measurements, for `amongo import`;"
                            " mongorestore would want buckets"
                        )
                say(f"{meter.documents} documents of {len(chosen)} collections exported")
                return
            if collection is None:
                raise impossible("Say with --collection what to export.")
            source = client[named or DEFAULT_DATABASE][collection]
            form = _Form(json_format == "canonical", json_array, columns or (), not no_header)
            _export(source, selection, out, kind or JSON, form, is_compressed, meter, say)
            say(f"{meter.documents} documents of {source.full_name} exported")
    except (ServerError, PyMongoError, OSError, Unwritable) as error:
        raise impossible(error) from None


@dataclass(frozen=True, slots=True)
class _Form:
    """How text is written."""

    is_canonical: bool
    is_array: bool
    columns: Sequence[str]
    has_header: bool


def _export(
    collection: Any,
    selection: Selection,
    out: str,
    kind: str,
    form: _Form,
    is_compressed: bool,
    meter: Meter,
    say: Say,
) -> None:
    """errors: PyMongoError, OSError, Unwritable."""
    shape = None
    if kind == PARQUET:  # a first pass looks at the fields
        from amongo.cli.transfer.parquet_shapes import Shape

        shape = Shape()
        for batch in selection.batches(collection):
            for raw in documents_of(batch):
                shape.see(decode_foreign(raw))
    with writing(out, is_compressed=is_compressed and kind != PARQUET) as file:
        writer = _writer(file, kind, form, shape)
        try:
            _write_all(writer, selection.batches(collection), meter)
        except BaseException:
            writer.give_up()
            raise
        for notice in getattr(writer, "notices", ()):
            say(notice)


def _write_all(writer: Writer, batches: Iterator[bytes], meter: Meter) -> None:
    for batch in batches:
        for number, raw in enumerate(documents_of(batch), meter.documents + 1):
            try:
                writer.add(raw)
            except Unwritable as error:
                raise Unwritable(f"document {number} ({_told_id(raw)}): {error}") from None
            meter.count()
    writer.end()


def _writer(file: IO[bytes], kind: str, form: _Form, shape: Any) -> Writer:
    if kind == PARQUET:
        from amongo.cli.transfer.parquet_output import ParquetWriter

        return ParquetWriter(file, shape)
    if kind == BSON:
        return BsonWriter(file)
    if kind == CSV:
        return CsvWriter(file, form.columns, has_header=form.has_header)
    return JsonWriter(file, is_canonical=form.is_canonical, is_array=form.is_array)


def _dump(
    client: Any, collections: Sequence[Metadata], selection: Selection, out: str, is_compressed: bool, meter: Meter
) -> None:
    for metadata in collections:
        write_metadata(out, metadata, is_compressed=is_compressed)
        if metadata.kind == VIEW:
            continue
        meter.label(f"{metadata.database}.{metadata.collection}")
        path = bson_path(out, metadata, is_compressed=is_compressed)
        with writing(path, is_compressed=is_compressed) as file:
            for batch in selection.batches(client[metadata.database][metadata.collection]):
                file.write(batch)
                meter.count(sum(1 for _ in documents_of(batch)))


def _archive(
    client: Any, collections: Sequence[Metadata], selection: Selection, out: str, is_compressed: bool, meter: Meter
) -> None:
    with writing(out, is_compressed=is_compressed) as file:
        archive = ArchiveWriter(
            file, collections, server_version=SERVER_VERSION, tool_version=f"amongo {own_version()}"
        )
        for metadata in collections:
            archive.begin(metadata)
            if metadata.kind != VIEW:
                meter.label(f"{metadata.database}.{metadata.collection}")
                for batch in selection.batches(client[metadata.database][metadata.collection]):
                    archive.add(batch)
                    meter.count(sum(1 for _ in documents_of(batch)))
            archive.end()


def projection_of(fields: Sequence[str]) -> dict[str, int]:
    """The projection that reads some fields; paths go down to the first number, which may be a place in an array."""
    paths = []
    for name in fields:
        parts = name.split(".")
        end = next((at for at, part in enumerate(parts) if at and is_index(part)), len(parts))
        paths.append(".".join(parts[:end]))
    kept = [each for each in dict.fromkeys(paths) if not any(each.startswith(other + ".") for other in paths)]
    projection = dict.fromkeys(kept, 1)
    return projection if projection else {"_id": 1}


def _parsed(text: str | None, option: str) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return document_of(text)
    except ShellSyntaxError as error:
        raise impossible(f"{option}: {error}") from None


def _told_id(raw: bytes) -> str:
    from amongo.cli.transfer.extended_json import text_of

    return f"_id {text_of(decode_foreign(raw).get('_id'), is_canonical=False).decode()[:80]}"


def _check(kind: str | None, json_format: str, fields: str | None, out: str) -> None:
    if kind not in TYPES:
        raise impossible(f"Say with --type what to write: one of {', '.join(TYPES)}.")
    if json_format not in ("relaxed", "canonical"):
        raise impossible("--jsonFormat is relaxed or canonical.")
    if kind == CSV and not fields:
        raise impossible("CSV takes --fields: the columns to write.")
    if out == STANDARD and kind in (DUMP, PARQUET):
        raise impossible(
            f"A {kind} cannot go to the standard output: name a {'directory' if kind == DUMP else 'file'}."
        )

"""`amongo import`: documents of a file, a dump or an archive into a store.

The options are those of mongoimport and mongorestore, by their names. Exit codes: 0 everything was imported, 1 a part
was not (a document refused, damage in the file), and what was is said; 2 it could not be begun.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import typer
from pymongo.errors import InvalidName, OperationFailure, PyMongoError
from rich.console import Console

from amongo.cli.address import default_database, opened
from amongo.cli.exit_codes import DAMAGED
from amongo.cli.exits import impossible
from amongo.cli.refusals import refusal_of
from amongo.cli.transfer.bson_input import BsonReader
from amongo.cli.transfer.csv_columns import GRACES, split_fields
from amongo.cli.transfer.csv_input import CsvOptions, CsvReader
from amongo.cli.transfer.files import STANDARD, InputFile, reading
from amongo.cli.transfer.json_input import JsonReader
from amongo.cli.transfer.loading import MODES, Loader, LoadOptions, Outcome, Stopped
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.meter import Meter
from amongo.cli.transfer.reader import Reader
from amongo.cli.transfer.restoring import RestoreOptions, restore_archive, restore_directory
from amongo.errors import ServerError

JSON, BSON, CSV, TSV, PARQUET, DUMP, ARCHIVE = "json", "bson", "csv", "tsv", "parquet", "dump", "archive"
TYPES: Final = (JSON, BSON, CSV, TSV, PARQUET, DUMP, ARCHIVE)
_BY_ENDING: Final = {
    ".json": JSON, ".jsonl": JSON, ".ndjson": JSON, ".bson": BSON, ".csv": CSV, ".tsv": TSV, ".parquet": PARQUET,
    ".archive": ARCHIVE,
}  # fmt: skip
DEFAULT_DATABASE: Final = "test"


def import_command(
    store: str = typer.Argument(help="Directory of a store (made if it is not there), or any URI."),
    file: str = typer.Argument(help="What to import: a file, the directory of a dump, or `-` for the standard input."),
    database: str | None = typer.Option(None, "--db", "-d", help="Database; of a dump, this one alone."),
    collection: str | None = typer.Option(None, "--collection", "-c", help="Collection; the file's name without it."),
    kind: str | None = typer.Option(None, "--type", help=f"One of {', '.join(TYPES)}; else the file's ending tells."),
    mode: str = typer.Option("insert", help=f"One of {', '.join(MODES)}."),
    upsert_fields: str = typer.Option("_id", "--upsertFields", help="Fields that say which document is meant."),
    drop: bool = typer.Option(False, "--drop", help="Drop each collection first."),
    stop_on_error: bool = typer.Option(False, "--stopOnError", help="Stop at the first document that is refused."),
    bypass: bool = typer.Option(False, "--bypassDocumentValidation", help="Do not check documents by validators."),
    fields: str | None = typer.Option(None, "--fields", "-f", help="CSV: the columns; else the first line has them."),
    field_file: str | None = typer.Option(None, "--fieldFile", help="CSV: a file with a column in each line."),
    columns_have_types: bool = typer.Option(
        False, "--columnsHaveTypes", help="CSV: columns are `name.type(argument)`."
    ),
    parse_grace: str = typer.Option(
        "stop", "--parseGrace", help=f"CSV, at a cell of another type: {', '.join(GRACES)}."
    ),
    ignore_blanks: bool = typer.Option(
        False, "--ignoreBlanks", help="CSV: empty cells, Parquet: nulls make no fields."
    ),
    array_fields: bool = typer.Option(False, "--useArrayIndexFields", help="CSV: numbers in names are array indexes."),
    header_line: bool = typer.Option(False, "--headerline", help="CSV: the first line has the columns; so without it."),
    _json_array: bool = typer.Option(False, "--jsonArray", hidden=True),  # an array is known by its first character
    no_indexes: bool = typer.Option(False, "--noIndexRestore", help="Dump: make no indexes."),
    no_options: bool = typer.Option(False, "--noOptionsRestore", help="Dump: make collections without options."),
    quiet: bool = typer.Option(False, "--quiet", help="Say nothing but errors."),
) -> None:
    """Import documents: JSON lines or arrays, BSON, CSV, TSV, Parquet, dumps and archives of mongodump."""
    kind = kind or _kind_of(file) or ""
    paths = tuple(upsert_fields.split(","))
    _check(kind, mode, parse_grace, fields, field_file, paths)
    if header_line and (fields or field_file):
        raise impossible("--headerline goes with neither --fields nor --fieldFile.")
    options = LoadOptions(mode, paths, stop_on_error, bypass)
    try:
        csv = CsvOptions(
            fields=_columns(fields, field_file),
            have_types=columns_have_types,
            grace=parse_grace,
            ignores_blanks=ignore_blanks,
            uses_array_indexes=array_fields,
            is_tab_separated=kind == TSV,
        )
        named = database or default_database(store)
        if kind != DUMP and file != STANDARD and not os.path.isfile(file):
            raise impossible(f"There is no file '{file}'.")
        with opened(store, makes_store=True) as client:
            account = Account(quiet)
            with account.told():
                if kind in (DUMP, ARCHIVE):
                    restore = RestoreOptions(options, named, collection, drop, no_indexes, no_options)
                    run = restore_directory if kind == DUMP else restore_archive
                    with Meter(file, is_quiet=quiet) as meter:
                        run(client, file, restore, account.outcome_of, account.note, meter)
                else:
                    target = client[named or DEFAULT_DATABASE][collection or _collection_of(file)]
                    _load(target, file, Plan(kind, options, csv, drop), account)
    except (ServerError, PyMongoError, OSError, MalformedInput) as error:
        raise impossible(error) from None
    raise typer.Exit(account.code)


class Account:
    """What has become of everything, told at the end.

    code   the exit code
    """

    def __init__(self, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._outcomes: dict[str, Outcome] = {}
        self._console = Console(stderr=True)
        self.code = 0

    def outcome_of(self, namespace: str) -> Outcome:
        """The outcome to write to for a collection."""
        return self._outcomes.setdefault(namespace, Outcome())

    def note(self, text: str) -> None:
        """Say something that the user should know."""
        if not self._is_quiet:
            self._say(text)

    def fail(self, text: str) -> None:
        """Say why a part is missing."""
        self.code = DAMAGED
        self._say(text, "red")

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Run an import; afterwards say what was done, however it ended."""
        try:
            yield
        except Stopped:
            self.fail("stopped at the first document that was refused")
        except MalformedInput as error:
            self.fail(str(error))
        except OperationFailure as error:
            self.fail(refusal_of(error))
        except (PyMongoError, OSError) as error:
            self.fail(f"{error}; what was last sent may have been written")
        except KeyboardInterrupt:
            self.fail("interrupted; what was last sent may have been written")
        finally:
            self._tell()

    def _tell(self) -> None:
        for namespace, outcome in self._outcomes.items():
            for failure in outcome.failures:
                self.fail(f"{namespace}, {failure}")
            if outcome.failed > len(outcome.failures):
                self.fail(f"{namespace}: {outcome.failed - len(outcome.failures)} more were refused")
            self.note(f"{namespace}: {outcome}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one file goes into one collection."""

    kind: str
    options: LoadOptions
    csv: CsvOptions
    drops: bool


def _load(collection: Any, path: str, plan: Plan, account: Account) -> None:
    """errors: Stopped, MalformedInput, PyMongoError, OSError."""
    outcome = account.outcome_of(collection.full_name)
    if plan.kind == PARQUET:
        reader = _parquet(path, ignores_nulls=plan.csv.ignores_blanks)
        _pour(collection, reader, plan, outcome, Meter(collection.full_name, total=reader.count), None)
        for notice, count in reader.notices.items():
            account.note(f"{notice}: {count}")
        return
    with reading(path) as file:
        reader = _reader(file, plan)
        meter = Meter(collection.full_name, total=file.size_bytes)
        _pour(collection, reader, plan, outcome, meter, file)
        if isinstance(reader, CsvReader) and reader.skipped:
            account.fail(f"{reader.skipped} rows were left out: a cell was none of its column's type")


def _reader(file: InputFile, plan: Plan) -> Reader:
    if plan.kind == JSON:
        return JsonReader(file)
    return BsonReader(file) if plan.kind == BSON else CsvReader(file, plan.csv)


def _parquet(path: str, *, ignores_nulls: bool) -> Any:
    from amongo.cli.transfer.parquet_input import ParquetReader

    return ParquetReader(path, ignores_nulls=ignores_nulls)


def _pour(collection: Any, reader: Reader, plan: Plan, outcome: Outcome, meter: Meter, file: InputFile | None) -> None:
    if plan.drops:
        collection.drop()
    loader = Loader(collection, plan.options, outcome, reader.unit)
    with meter:
        try:
            for place, raw in reader:
                loader.add(place, raw)
                meter.count(1, place if file is None else file.position_bytes)
        except MalformedInput:
            loader.flush()  # what came before the damage is whole
            raise
        loader.flush()


def _check(
    kind: str, mode: str, parse_grace: str, fields: str | None, field_file: str | None, paths: tuple[str, ...]
) -> None:
    if kind not in TYPES:
        raise impossible(f"Say with --type what the file is: one of {', '.join(TYPES)}.")
    if mode not in MODES:
        raise impossible(f"--mode is one of {', '.join(MODES)}, and not '{mode}'.")
    if parse_grace not in GRACES:
        raise impossible(f"--parseGrace is one of {', '.join(GRACES)}, and not '{parse_grace}'.")
    if fields and field_file:
        raise impossible("--fields and --fieldFile cannot both be given.")
    if not all(paths):
        raise impossible("--upsertFields has an empty name.")


def _columns(fields: str | None, field_file: str | None) -> list[str] | None:
    if fields is not None:
        return split_fields(fields)
    if field_file is None:
        return None
    with open(field_file, encoding="utf-8-sig") as file:
        return [line.strip() for line in file if line.strip()]


def _kind_of(path: str) -> str | None:
    if os.path.isdir(path):
        return DUMP
    return _BY_ENDING.get(os.path.splitext(path.removesuffix(".gz"))[1].lower())


def _collection_of(path: str) -> str:
    """The collection that a file is named after. errors: InvalidName."""
    if path == STANDARD:
        raise InvalidName("Say with --collection where the documents go.")
    name = os.path.basename(path).removesuffix(".gz")
    return os.path.splitext(name)[0]

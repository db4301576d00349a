"""Putting a dump back: collections with their options, documents, then indexes. Source: manual, mongorestore.

A collection that is there already is kept as it is and filled up. UUIDs are not taken over. Users and roles
(`admin.system.…`) and the buckets of time-series collections are not restored; the account says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymongo.errors import OperationFailure

from amongo.cli.refusals import refusal_of
from amongo.cli.transfer.archive import ArchiveReader
from amongo.cli.transfer.bson_input import BsonReader
from amongo.cli.transfer.dump_directory import OPLOG, dumped_in
from amongo.cli.transfer.dump_metadata import BUCKETS, COLLECTION, TIME_SERIES, VIEW, Metadata
from amongo.cli.transfer.files import reading
from amongo.cli.transfer.loading import Loader, LoadOptions, Outcome
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.meter import Meter

OutcomeOf = Callable[[str], Outcome]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What of a dump is restored, and how.

    load                   how documents are put in
    database, collection   these alone; None for all
    drops                  drop each collection first
    skips_indexes          make no indexes
    skips_options          make collections without options
    """

    load: LoadOptions
    database: str | None
    collection: str | None
    drops: bool = False
    skips_indexes: bool = False
    skips_options: bool = False

    def takes(self, metadata: Metadata) -> bool:
        """Whether a collection is meant."""
        return self.database in (None, metadata.database) and self.collection in (None, metadata.collection)


def restore_directory(
    client: Any, directory: str, options: RestoreOptions, outcome_of: OutcomeOf, note: Note, meter: Meter
) -> None:
    """Restore the dump in a directory. Views come last: they may look at each other.

    errors   MalformedInput, Stopped, PyMongoError, OSError
    """
    chosen = [each for each in dumped_in(directory, options.database) if options.takes(each.metadata)]
    if any(name.startswith(OPLOG) for name in os.listdir(directory)):
        note("the oplog is not replayed")
    if not chosen:
        raise MalformedInput(f"{directory} holds nothing to restore")
    for dumped in sorted(chosen, key=lambda each: each.metadata.kind == VIEW):
        metadata = dumped.metadata
        if not _is_restorable(metadata, note):
            continue
        _make(client, metadata, options)
        if dumped.bson_path is not None and metadata.kind != VIEW:
            loader = _loader(client, metadata, options, outcome_of)
            with reading(dumped.bson_path) as file:
                meter.label(f"{metadata.database}.{metadata.collection}", total=file.size_bytes)
                try:
                    for place, raw in BsonReader(file):
                        loader.add(place, raw)
                        meter.count(1, file.position_bytes)
                except MalformedInput:
                    loader.flush()
                    raise
            loader.flush()
        _index(client, metadata, options)


def restore_archive(
    client: Any, path: str, options: RestoreOptions, outcome_of: OutcomeOf, note: Note, meter: Meter
) -> None:
    """Restore an archive.

    errors   as of `restore_directory`
    """
    with reading(path) as file:
        archive = ArchiveReader(file)
        meter.label(file.name, total=file.size_bytes)
        loaders: dict[tuple[str, str], Loader] = {}
        chosen = [each for each in archive.collections if options.takes(each) and _is_restorable(each, note)]
        for metadata in sorted(chosen, key=lambda each: each.kind == VIEW):
            _make(client, metadata, options)
            if metadata.kind != VIEW:
                loaders[metadata.database, metadata.collection] = _loader(client, metadata, options, outcome_of)
        numbers = dict.fromkeys(loaders, 0)
        current: Loader | None = None
        try:
            for arrived in archive:
                name = (arrived.database, arrived.collection)
                plain = Metadata(arrived.database, arrived.collection.removeprefix(BUCKETS), COLLECTION, {}, (), "")
                if plain.collection != arrived.collection and options.takes(plain):
                    raise _buckets(".".join(name))
                loader = loaders.get(name)
                if current is not None and loader is not current:
                    current.flush()  # so that no more than one batch is held
                current = loader
                if loader is not None and arrived.raw is not None:
                    numbers[name] += 1
                    loader.add(numbers[name], arrived.raw)
                    meter.count(1, file.position_bytes)
        finally:
            if current is not None:
                current.flush()
        for metadata in chosen:
            _index(client, metadata, options)


def _is_restorable(metadata: Metadata, note: Note) -> bool:
    namespace = f"{metadata.database}.{metadata.collection}"
    if metadata.collection.startswith(BUCKETS):
        raise _buckets(namespace)
    if not metadata.database:
        note("the oplog is not replayed")
        return False
    is_special = metadata.collection.startswith("$")  # users and roles of one database
    if is_special or (metadata.database == "admin" and metadata.collection.startswith("system.")):
        note(f"{namespace} is not restored: make users and roles with createUser and createRole")
        return False
    if metadata.database in ("local", "config") or metadata.collection.startswith("system."):
        note(f"{namespace} is not restored: it belongs to the server")
        return False
    return True


def _buckets(namespace: str) -> MalformedInput:
    return MalformedInput(
        f"{namespace} holds the buckets of a time-series collection, which only MongoDB reads; "
        "export the measurements with mongoexport instead"
    )


def _make(client: Any, metadata: Metadata, options: RestoreOptions) -> None:
    database = client[metadata.database]
    if options.drops:
        database.drop_collection(metadata.collection)
    if options.skips_options and metadata.kind == COLLECTION:
        return
    try:
        metadata.restore(database)
    except OperationFailure as error:
        raise _about(metadata, "cannot be made", error) from None


def _index(client: Any, metadata: Metadata, options: RestoreOptions) -> None:
    if options.skips_indexes or metadata.kind == VIEW:
        return
    try:
        metadata.restore_indexes(client[metadata.database])
    except OperationFailure as error:
        raise _about(metadata, "is restored, but not its indexes", error) from None


def _about(metadata: Metadata, what: str, error: OperationFailure) -> MalformedInput:
    return MalformedInput(f"{metadata.database}.{metadata.collection} {what}: {refusal_of(error)}")


def _loader(client: Any, metadata: Metadata, options: RestoreOptions, outcome_of: OutcomeOf) -> Loader:
    outcome = outcome_of(f"{metadata.database}.{metadata.collection}")
    load = options.load
    if metadata.kind == TIME_SERIES:
        load = LoadOptions(stops=load.stops)
    return Loader(client[metadata.database][metadata.collection], load, outcome, BsonReader.unit)

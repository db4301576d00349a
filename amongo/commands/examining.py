"""A look at everything that a collection holds: its documents, and what its indexes say of them.

Writers go on meanwhile. Documents and secondary indexes are looked at as they were at one moment; the index on `_id` is
looked at as it is, so that a document which another has changed or removed since then is not wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bson import Int64
from bson.errors import InvalidBSON

from amongo.engine.indexes import ID_INDEX_NAME, EntriesView, Index, entry_of, key_of, record_id_of
from amongo.engine.records import Collection, View, record_id_value, record_key
from amongo.engine.snapshots import Rows, Run
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode_foreign
from amongo.values.exact import decode_exact, encode_exact

_NON_CONFORMING: Final = "Detected one or more documents in this collection not conformant to BSON specifications."

Parts = Sequence[tuple[Index, EntriesView]]


@dataclass(slots=True)
class Findings:
    """What was found.

    count           documents
    invalid         record ids of those that are no BSON
    problems        what is wrong, in words
    warnings        what is odd
    non_conforming  documents whose bytes another writer would have made otherwise: a name twice, an array's places out
                    of order
    keys            entries of each index by its name, as the documents ask for them
    missing         entries that an index should have, and has not
    extra           entries that an index has, and should not
    wrong_indexes   names of indexes with either
    """

    count: int = 0
    invalid: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    non_conforming: int = 0
    keys: dict[str, int] = field(default_factory=dict)
    missing: list[dict[str, Any]] = field(default_factory=list)
    extra: list[dict[str, Any]] = field(default_factory=list)
    wrong_indexes: set[str] = field(default_factory=set)


def check_files(collection: Collection, interrupt: Interrupt) -> list[str]:
    """Verify every page of the snapshot files of a collection and of its indexes; what is wrong, in words."""
    indexes = () if collection.secondary is None else collection.secondary.indexes
    problems = []
    for layer in (*collection.layers, *collection.id_layers, *(each for index in indexes for each in index.layers)):
        if isinstance(layer, Rows | Run):
            try:
                layer.check(interrupt)
            except ServerError as error:
                problems.append(error.message)
    return problems


def examine(store: Store, collection: Collection, interrupt: Interrupt, *, checks_conformance: bool) -> Findings:
    """Look at every document: it must decode, be found under its `_id`, and stand in the indexes."""
    with store.lock:
        view = collection.view()
        indexes = () if collection.secondary is None else collection.secondary.indexes
        parts = [(index, index.entries.view()) for index in indexes]
    found = Findings()
    found.keys = dict.fromkeys((ID_INDEX_NAME, *(index.name for index, _ in parts)), 0)
    for record_id, raw in interrupt.watch(view):
        found.count += 1
        try:
            decode_foreign(raw)
            place = collection.find_id(record_key(raw, collection.collator))
        except (InvalidBSON, KeyError) as error:
            found.invalid.append(record_id)
            found.problems.append(f"record {record_id} is not a document with an _id: {error}")
            continue
        if place is None or place[0] != record_id:
            with store.lock:
                is_unchanged = collection.record(record_id) == raw
            if is_unchanged:
                found.wrong_indexes.add(ID_INDEX_NAME)
                found.problems.append(f"record {record_id} is not found under its _id")
        if checks_conformance and encode_exact(decode_exact(raw)) != raw:
            found.non_conforming += 1
        _look_up(found, parts, record_id, raw)
    found.keys[ID_INDEX_NAME] = found.count
    for index, entries in parts:
        if len(entries) != found.keys[index.name] or index.name in found.wrong_indexes:
            _find_extra(found, index, entries, view, interrupt)
    if found.count != view.count:
        found.problems.append(f"{found.count} documents where {view.count} are counted")
    if found.non_conforming:
        found.warnings.append(_NON_CONFORMING)
    return found


def _look_up(found: Findings, parts: Parts, record_id: int, raw: bytes) -> None:
    """Look for the entries of one document."""
    for index, entries in parts:
        try:
            keys = index.keys(raw)
        except ServerError as error:
            found.wrong_indexes.add(index.name)
            found.problems.append(f"record {record_id} has no key in {index.name}: {error}")
            continue
        found.keys[index.name] += len(keys)
        for key, types in keys.items():
            entry = entry_of(key, record_id, types)
            if next(entries.between(entry, entry + b"\0"), None) is None:
                found.missing.append(_entry(index, record_id) | {"idKey": {"_id": record_id_value(raw)}})
                found.wrong_indexes.add(index.name)
                found.problems.append(f"record {record_id} is not found in {index.name}")


def _find_extra(found: Findings, index: Index, entries: EntriesView, view: View, interrupt: Interrupt) -> None:
    """Tell the entries of an index that no document asks for."""
    for entry in interrupt.watch(entries):
        record_id = record_id_of(entry)
        raw = view.record(record_id) if record_id < view.bound else None
        if raw is not None and record_id not in found.invalid and key_of(entry) in index.keys(raw):
            continue
        found.extra.append(_entry(index, record_id))
        found.wrong_indexes.add(index.name)
        found.problems.append(f"{index.name} has an entry that record {record_id} does not ask for")


def _entry(index: Index, record_id: int) -> dict[str, Any]:
    return {"indexName": index.name, "recordId": Int64(record_id)}

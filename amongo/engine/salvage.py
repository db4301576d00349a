"""What is left of a checkpoint whose files are damaged, as the commits that would have led to it.

Repair writes a log, and a checkpoint may hold what no log has any more. So what verifies of it becomes commits: the
collections, their indexes, and the documents under their record ids. Index runs are not needed, for the indexes are
built anew.

The log behind the checkpoint speaks of documents that may be lost. Where it does, it has the document with it: the
first update or deletion of a record that is not there any more gives what stands in its place until then, so that all
later changes find what they change.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from bson import Binary

from amongo.engine.files import Files
from amongo.engine.indexes.definitions import first_indexes
from amongo.engine.log import Frame, entry
from amongo.engine.records import BELOW, record_in
from amongo.engine.snapshots import DIRECTORY, CollectionContents, Manifest, Rows, RowsFile
from amongo.engine.snapshots.format import BLOCK_COUNT
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.interrupts import NEVER
from amongo.runtime.limits import CHECKED_PAGE_BYTES
from amongo.values.codec import decode, encode

_COMMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Loss:
    """A stretch of a file that could not be salvaged; `offset` and `lost_bytes` in bytes.

    records   the first and the last record id of what was there; None if it was none, or is not known
    """

    file: str
    offset: int
    lost_bytes: int
    reason: str
    records: tuple[int, int] | None = None


class SalvagedCheckpoint:
    """What verifies of a checkpoint.

    manifest    the checkpoint
    known       by UUID: up to which commit a collection is known, where that is not the checkpoint's
    losses      what does not verify of its documents
    documents   how many were found, when `payloads` is exhausted
    """

    def __init__(
        self, files: Files, directory: str, manifest: Manifest, known: Mapping[bytes, int] | None = None
    ) -> None:
        """directory: of the store. errors: STORE_FORMAT_NEWER, STORE_UNREADABLE."""
        self.manifest = manifest
        self.known = known or {}
        self.losses: list[Loss] = []
        self.documents = 0
        self._layers: dict[bytes, tuple[Rows, ...]] = {}  # newest first
        self._bounds = {each.uuid: each.next_record_id for each in manifest.collections}
        self._stand_ins: dict[bytes, dict[int, bytes]] = {}
        for collection in manifest.collections:
            self._layers[collection.uuid] = tuple(self._open(files, directory, collection))

    def _open(self, files: Files, directory: str, collection: CollectionContents) -> Iterator[Rows]:
        for file in reversed(collection.rows):
            path = os.path.join(directory, DIRECTORY)
            end = file.size
            try:
                rows = Rows(files, path, file)
            except ServerError as error:
                _check_is_damage(error)
                cut = _cut_off(files, path, file)
                if cut is None:
                    reason = f"{error.message} What it had changed is as it was before"
                    self.losses.append(Loss(file.name, 0, file.size, reason, (file.first_id, file.last_id)))
                    continue
                rows, end = cut
            for offset in rows.mapped.damaged_pages(NEVER):
                if offset + CHECKED_PAGE_BYTES > end and end < file.size:
                    reason = "the file ends early"
                    records = rows.ids_at(offset, file.size)
                    self.losses.append(Loss(file.name, offset, file.size - offset, reason, records))
                    break
                lost_bytes = min(CHECKED_PAGE_BYTES, file.size - offset)
                records = rows.ids_at(offset, offset + lost_bytes)
                self.losses.append(Loss(file.name, offset, lost_bytes, "the checksum does not match", records))
            yield rows

    def look_ahead(self, frames: Iterable[Frame]) -> None:
        """Learn from the commits behind the checkpoint what they need to find."""
        heads: dict[bytes, tuple[str, bytes]] = {}
        for frame in frames:
            for record_id, head, documents in frame.entries():
                if head not in heads:
                    fields = decode(head)
                    heads[head] = fields["op"], bytes(fields.get("ui", b""))
                operation, uuid = heads[head]
                if operation in ("u", "d") and record_id < self._bounds.get(uuid, 0) and documents:
                    stand_ins = self._stand_ins.setdefault(uuid, {})
                    if record_id not in stand_ins and not self._is_there(uuid, record_id):
                        stand_ins[record_id] = documents[0]

    def _is_there(self, uuid: bytes, record_id: int) -> bool:
        try:
            return record_in(self._layers[uuid], record_id) is not None
        except ServerError as error:
            _check_is_damage(error)
            return False

    def payloads(self) -> Iterator[bytes]:
        """The payloads of the commits, in order. errors: STORE_UNREADABLE."""
        for collection in self.manifest.collections:
            yield b"".join(_creation(collection))
            head = encode({"op": "i", "ns": collection.namespace, "ui": Binary(collection.uuid, 4)})
            first, size = 0, 0
            batch: list[bytes] = []
            for record_id, document in self._records(collection.uuid):
                if batch and (record_id != first + len(batch) or size >= _COMMIT_BYTES):
                    yield entry(first, head, batch)
                    batch, size = [], 0
                if not batch:
                    first = record_id
                batch.append(document)
                size += len(document)
                self.documents += 1
            if batch:
                yield entry(first, head, batch)

    def _records(self, uuid: bytes) -> Iterator[tuple[int, bytes]]:
        """(record id, document) of what there is, ascending."""
        layers, stand_ins = self._layers[uuid], self._stand_ins.get(uuid, {})
        first = min([*(each.first_id for each in layers), *stand_ins], default=0)
        last = max([*(each.last_id for each in layers), *stand_ins], default=-1)
        for base in range(first - first % BLOCK_COUNT, last + 1, BLOCK_COUNT):
            slots: list[bytes | None] = [None] * BLOCK_COUNT
            try:
                for layer in reversed(layers):
                    layer.fill(base, slots)
            except ServerError as error:
                _check_is_damage(error)
                slots = [_record(layers, record_id) for record_id in range(base, base + BLOCK_COUNT)]
            for record_id, document in enumerate(slots, base):
                found = stand_ins.get(record_id, document)
                if found is not None:
                    yield record_id, found


def _record(layers: tuple[Rows, ...], record_id: int) -> bytes | None:
    """A document, None if there is none or if the newest file that knows of it does not verify there."""
    for layer in layers:
        try:
            found = layer.record(record_id)
        except ServerError as error:
            _check_is_damage(error)
            if layer.surely_knows(record_id):
                return None
            continue  # nobody can tell whether it was changed here
        if found is not BELOW:
            return found
    return None


class _Padded:
    """Files that are as long as they should be, with zeros where they are not: the whole pages can be read."""

    def __init__(self, files: Files, size: int) -> None:
        self._files = files
        self._size = size
        self.window_bytes = files.window_bytes
        self.read = files.read

    def size(self, path: str) -> int:
        return self._size

    def map(self, path: str, offset: int, length: int) -> bytes:
        return self._files.read(path, length, offset).ljust(length, b"\0")


def _cut_off(files: Files, directory: str, file: RowsFile) -> tuple[Rows, int] | None:
    """(a rows file that is shorter than it should be, its length); None if something else is wrong with it."""
    path = os.path.join(directory, file.name)
    try:
        size = files.size(path) if files.exists(path) else file.size
        if size >= file.size:
            return None
        return Rows(cast(Files, _Padded(files, file.size)), directory, file), size
    except (ServerError, OSError):
        return None


def _check_is_damage(error: ServerError) -> None:
    if error.code != ErrorCode.DataCorruptionDetected:
        raise error


def _creation(collection: CollectionContents) -> Iterator[bytes]:
    """The entries that make a collection with its indexes."""
    database, _, name = collection.namespace.partition(".")
    options = dict(collection.options)

    def change(command: dict[str, Any]) -> bytes:
        return entry(
            0, encode({"op": "c", "ns": f"{database}.$cmd", "ui": Binary(collection.uuid, 4), "o": command}), ()
        )

    yield change({"create": name, "options": options})
    first = first_indexes(options)
    definitions = {index.definition["name"]: dict(index.definition) for index in collection.indexes}
    for each in first:
        if each not in definitions:
            yield change({"dropIndexes": name, "index": each})
    for each, definition in definitions.items():
        if each not in first:
            yield change({"createIndexes": name, **definition})
        elif definition != first[each]:
            yield change({"collMod": name, "index": definition})

"""What a transaction does to the real store, when it is committed.

Of each record only what it is in the end is put in place, under the ids that the store gives it now. What the entries
say, each in its turn, stands in the frame. The change may be repeated where it broke off.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from typing import Any

from amongo.engine.catalog import Catalog
from amongo.engine.indexes import Column, Definition, Index, IndexChange, KeysOfAll, MakeKeys, Secondary
from amongo.engine.records import Collection, record_key, record_keys
from amongo.engine.records.veiled import Before, Veil, cover, uncover
from amongo.engine.transactions.collected import Collected
from amongo.engine.transactions.footprint import Footprint, Touched
from amongo.errors import storage as errors
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.codec import decode


class _Records:
    """What a transaction has done in one collection that there was before.

    parent   the collection
    bound    the records of the moment have ids below
    """

    def __init__(self, touched: Touched, definitions: Sequence[Definition], make_keys: MakeKeys) -> None:
        """definitions: of indexes that the transaction has created"""
        assert touched.parent is not None and touched.standing is not None
        self.parent = touched.parent
        self.bound = touched.bound
        self.first_id = 0
        self._touched = touched
        self._definitions = definitions
        self._secondary = self._indexes(touched, make_keys)
        self._change: IndexChange | None = None
        self._before: dict[int, bytes] = {}  # what it removes or replaces
        self._removals: list[tuple[int, bytes]] = []  # (record id, key of the `_id`)
        self._replacements: list[tuple[int, bytes]] = []
        self._inserted: list[bytes | None] = []  # under the ids from `bound` on; None where it was removed again
        self._columns: list[list[Column]] | None = None  # their keys, where there is nothing but new documents
        self._removed_keys: list[tuple[int, KeysOfAll]] = []
        self._replaced_keys: list[tuple[int, KeysOfAll, KeysOfAll]] = []
        self._inserted_keys: list[KeysOfAll | None] = []

    def _indexes(self, touched: Touched, make_keys: MakeKeys) -> Secondary | None:
        assert touched.standing is not None
        secondary = touched.standing.secondary
        if not self._definitions or touched.fork.has_definitions_alone:
            return secondary
        found = () if secondary is None else secondary.indexes
        return Secondary([*found, *[Index(each, make_keys(each)) for each in self._definitions]])

    def prepare(self, interrupt: Interrupt) -> None:
        """Find out what there is in the end, and its keys. Without the lock: it takes longest."""
        touched, fork, secondary = self._touched, self._touched.fork, self._secondary
        assert touched.standing is not None
        view = touched.standing.view
        for record_id in interrupt.watch(sorted(touched.changed)):
            old, raw = view.record(record_id), fork.record(record_id)
            assert old is not None
            self._before[record_id] = old
            if raw is None:
                self._removals.append((record_id, record_key(old, fork.collator)))
                if secondary is not None:
                    self._removed_keys.append((record_id, secondary.keys_held(old)))
            else:
                self._replacements.append((record_id, raw))
                if secondary is not None:
                    self._replaced_keys.append((record_id, secondary.keys_held(old), secondary.keys(raw)))
        inserted = self._inserted = list(map(fork.record, interrupt.watch(range(self.bound, fork.next_record_id))))
        if secondary is None or not inserted:
            return
        raws = [raw for raw in inserted if raw is not None]
        if not touched.changed and len(raws) == len(inserted) > 1:
            self._columns = secondary.columns(raws, interrupt)
        if self._columns is None:
            self._make_inserted_keys(interrupt)

    def _make_inserted_keys(self, interrupt: Interrupt = NEVER) -> None:
        secondary = self._secondary
        assert secondary is not None
        self._inserted_keys = [None if raw is None else secondary.keys(raw) for raw in interrupt.watch(self._inserted)]

    def check(self) -> None:
        """Look for what others have committed since, and find out what to do to the indexes. Under the lock.

        errors   WRITE_CONFLICT
        """
        touched, parent = self._touched, self.parent
        touched.check_catalog()
        touched.check_records(touched.changed)
        if self._definitions and (parent.count or parent.next_record_id != self.bound):
            raise errors.WRITE_CONFLICT()
        self.first_id = parent.next_record_id
        touched.check_keys(touched.keys)
        if self._secondary is None:
            return
        self._change = IndexChange(self._secondary)
        if self._columns is not None:
            if self._change.insert_all(self.first_id, len(self._inserted), self._columns):
                return
            self._make_inserted_keys()  # each on its own then
        self._enter_one_by_one(self._change)

    def _enter_one_by_one(self, change: IndexChange) -> None:
        for record_id, keys in self._removed_keys:
            change.remove(record_id, keys)
        if change.replace_together(self._replaced_keys) is not None:
            raise errors.WRITE_CONFLICT()
        for record_id, each in enumerate(self._inserted_keys, self.first_id):
            if each is not None and change.insert(record_id, each) is not None:
                raise errors.WRITE_CONFLICT()

    def earlier(self, veil: Veil) -> Before:
        """What lock-free reads find until all is done."""
        return Before(veil, self.first_id, self._before, {key: record_id for record_id, key in self._removals})

    def make(self) -> None:
        """Change memory."""
        parent = self.parent
        if self._definitions:
            named: dict[str, Definition] = {each["name"]: each for each in self._definitions}
            parent.set_indexes(parent.indexes | named, self._secondary)
        parent.remove(self._removals)
        parent.replace_all(self._replacements)
        self._insert()
        if self._change is not None:
            self._change.make()

    def _insert(self) -> None:
        """Add the new documents, and leave out the ids of those that were removed again."""
        parent, inserted, start = self.parent, self._inserted, 0
        for is_there, group in groupby(inserted, key=_is_there):
            run = [raw for raw in group if raw is not None]
            if is_there:
                parent.extend(self.first_id + start, record_keys(run, parent.collator), run)
                start += len(run)
            else:
                start = next((at for at in range(start, len(inserted)) if inserted[at] is not None), len(inserted))
                parent.reserve(self.first_id + start)


def _is_there(raw: bytes | None) -> bool:
    return raw is not None


class Publication:
    """What a transaction does to the real store."""

    def __init__(
        self,
        footprint: Footprint,
        entries: Sequence[Collected],
        catalog: Catalog,
        make_keys: MakeKeys,
        interrupt: Interrupt = NEVER,
    ) -> None:
        """Without the lock.

        catalog   of the real store
        """
        self._entries = entries
        self._heads = footprint.heads
        self._catalog = catalog
        self._created: list[Collection] = []
        self._covered: list[tuple[Collection, Before]] = []
        definitions: dict[bytes, list[Definition]] = {}
        for uuid, command in _commands(entries, footprint.heads):
            if "create" in command:
                self._created.append(footprint.forks.by_uuid[uuid])
            else:
                definition = {field: value for field, value in command.items() if field != "createIndexes"}
                definitions.setdefault(uuid, []).append(definition)
        self._parts = {
            uuid: _Records(touched, definitions.get(uuid, ()), make_keys)
            for uuid, touched in footprint.collections.items()
            if touched.parent is not None
        }
        for part in self._parts.values():
            part.prepare(interrupt)

    def check(self) -> None:
        """Refuse what clashes with what others have committed since the moment. Under the lock.

        errors   WRITE_CONFLICT
        """
        for created in self._created:
            if self._catalog.get(created.namespace) is not None:
                raise errors.WRITE_CONFLICT()
        for part in self._parts.values():
            part.check()
        veil = Veil()
        self._covered = [(each, Before(veil, 0, {}, {})) for each in self._created]
        self._covered += [(each.parent, each.earlier(veil)) for each in self._parts.values()]

    def pieces(self) -> list[bytes]:
        """The entries, with the record ids of the real store. After `check`."""
        parts = {head: self._parts.get(touched.fork.uuid) for head, (_, touched) in self._heads.items()}
        pieces = []
        for entry in self._entries:
            part, record_id = parts.get(entry.head), entry.record_id
            if part is not None and record_id >= part.bound:
                record_id += part.first_id - part.bound
            pieces.append(entry.packed(record_id))
        return pieces

    def make(self) -> None:
        """Change memory. After the frame; it may be repeated."""
        cover(self._covered)
        for created in self._created:
            self._catalog.add(created)
        for part in self._parts.values():
            part.make()
        uncover(self._covered)

    def announce(self) -> None:
        """Wake those who wait for documents in capped collections."""
        for part in self._parts.values():
            if part.parent.cap is not None:
                part.parent.arrivals.announce()


def _commands(entries: Sequence[Collected], heads: Container[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """(collection's UUID, command) of the entries that change the catalog.

    heads   of the others
    """
    for entry in entries:
        if entry.head not in heads:
            head = decode(entry.head)
            yield bytes(head["ui"]), head["o"]

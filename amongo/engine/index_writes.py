"""Writes to collections that have secondary indexes, and the coming and going of these indexes.

The keys of documents are made before the lock is taken, for the indexes that there are then; where these are others by
the time the lock is held, they are made anew. Under the lock the documents are taken one by one, up to the first that
an index refuses; the commit changes records and indexes together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from amongo.engine.checkpoints import Restored
from amongo.engine.commits import Commits
from amongo.engine.indexes import Build, Definition, Index, IndexChange, KeysOfAll, MakeKeys, Secondary, is_secondary
from amongo.engine.log import Log, MemoryLog, entry, entry_pieces
from amongo.engine.records import Collection, id_document, record_key
from amongo.engine.writes import Change, Changed, CollectionDropped, Inserted, conflicts_of, without
from amongo.errors import ServerError
from amongo.errors import index as errors
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.runtime.limits import INDEX_CATCH_UP_COUNT, INDEX_CATCH_UPS


def no_keys(definition: Definition) -> NoReturn:
    """What makes no keys: for stores that have no secondary indexes."""
    raise AssertionError(f"the store was opened without what makes the keys of '{definition['name']}'")


_DROPPED: Final = "the indexes were dropped while they were being built"


class IndexesChanged(Exception):
    """Indexes of the collection have come, gone or changed while others were being built; nothing was done."""


@dataclass(eq=False, slots=True)
class Building:
    """Indexes that are being built.

    before       the collection's definitions when it began
    is_aborted   whether they were dropped meanwhile
    """

    collection: Collection
    definitions: tuple[Definition, ...]
    before: dict[str, Definition]
    interrupt: Interrupt
    is_aborted: bool = False

    def parts(self) -> tuple[Collection, tuple[Definition, ...], dict[str, Definition], Interrupt]:
        """What is built where, and what may stop it."""
        return self.collection, self.definitions, self.before, self.interrupt

    def check(self) -> None:
        """End a build that is in vain. Under the lock. errors: BUILD_ABORTED"""
        if self.is_aborted:
            raise errors.BUILD_ABORTED(reason=_DROPPED)
        if self.collection.is_dropped:
            raise errors.BUILD_ABORTED(reason="the collection was dropped while it was being indexed")


class IndexWrites(Commits):
    """The writes of a store that concern secondary indexes."""

    def __init__(self, log: Log | MemoryLog, make_keys: MakeKeys) -> None:
        super().__init__(log)
        self._make_keys = make_keys
        self._builds: list[Building] = []

    # Which indexes there are

    def settle_indexes(self, collection: Collection, restored: Restored | None = None) -> None:
        """Build the secondary indexes of a collection that has their definitions alone: a new one, or at the opening.

        A document that an index cannot take has no keys there; it was taken once.

        restored   what the last checkpoint has of them: only what was written since is looked at
        """
        if collection.has_definitions_alone:
            return
        indexes = [Index(each, self._make_keys(each)) for each in collection.indexes.values() if is_secondary(each)]
        if not indexes:
            return
        kept = [index for index in indexes if restored is not None and index.name in restored.layers]
        for index in kept:
            assert restored is not None
            index.recall(restored.facts[index.name], restored.layers[index.name])
        new = [index for index in indexes if index not in kept]
        view = collection.view()
        if kept and restored is not None:
            Build(collection.namespace, kept, is_lenient=True, seen=restored.view).catch_up(view)
        if new:
            Build(collection.namespace, new, is_lenient=True).catch_up(view)
        collection.set_indexes(collection.indexes, Secondary(indexes))

    def create_indexes(
        self, collection: Collection, definitions: Sequence[Definition], interrupt: Interrupt = NEVER
    ) -> int:
        """Build indexes and add them to a collection as one commit; its sequence.

        interrupt   ends it before the commit, never after
        errors      CollectionDropped; IndexesChanged if others have come or gone meanwhile that matter to these;
                    BUILD_ABORTED if it was stopped, or the collection dropped meanwhile; ServerError for a document
                    that an index cannot take, or for keys of a unique one that several documents have
        """
        building = Building(collection, tuple(definitions), collection.indexes, interrupt)
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            self._builds.append(building)
        try:
            return self._build_indexes(building)
        except OperationInterrupted:
            if building.is_aborted:
                raise errors.BUILD_ABORTED(reason=_DROPPED) from None
            raise
        finally:
            with self.lock:
                self._builds.remove(building)

    def _build_indexes(self, building: Building) -> int:
        collection, definitions, before, interrupt = building.parts()
        kept = () if collection.has_definitions_alone else definitions
        indexes = [Index(definition, self._make_keys(definition)) for definition in kept]
        build = Build(collection.namespace, indexes)
        for _ in range(INDEX_CATCH_UPS):
            with self.lock:
                view = collection.view()
            if build.catch_up(view, interrupt) <= INDEX_CATCH_UP_COUNT:
                break
        with self.lock:
            building.check()
            if collection.indexes is not before and collection.indexes != before:
                raise IndexesChanged
            view = collection.view()
            build.catch_up(view, interrupt)
            build.check_unique(view)
            name = collection.namespace.partition(".")[2]
            entries = [
                self._catalog_entry(collection.namespace, collection.uuid, {"createIndexes": name, **definition})
                for definition in definitions
            ]
            found = () if collection.secondary is None else collection.secondary.indexes
            all_definitions = collection.indexes | {definition["name"]: definition for definition in definitions}
            secondary = Secondary([*found, *indexes]) if found or indexes else None
            return self._commit(entries, collection.set_indexes, all_definitions, secondary)

    def definitions_in_work(self, collection: Collection) -> list[tuple[Definition, ...]]:
        """The definitions of the indexes that are being built on a collection, those of one build together."""
        with self.lock:
            return [each.definitions for each in self._builds if each.collection is collection]

    def abort_builds(self, collection: Collection, names: Iterable[str]) -> None:
        """Stop the builds of all these indexes on a collection; those who wait for them get BUILD_ABORTED."""
        wanted = set(names)
        with self.lock:
            for building in self._builds:
                if building.collection is collection and {each["name"] for each in building.definitions} <= wanted:
                    building.is_aborted = True
                    building.interrupt.stop(_DROPPED)

    def drop_indexes(self, collection: Collection, names: Sequence[str]) -> int:
        """Remove secondary indexes from a collection as one commit; its sequence.

        errors   CollectionDropped
        """
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            name = collection.namespace.partition(".")[2]
            namespace, identity, definitions = collection.namespace, collection.uuid, collection.indexes
            entries = [
                self._catalog_entry(namespace, identity, {"dropIndexes": name, "index": each}, definitions[each])
                for each in names
            ]
            left = {each: definition for each, definition in definitions.items() if each not in names}
            found = () if collection.secondary is None else collection.secondary.indexes
            indexes = [index for index in found if index.name not in names]
            return self._commit(entries, collection.set_indexes, left, Secondary(indexes) if indexes else None)

    def change_index(self, collection: Collection, definition: Definition) -> int:
        """Give the index of this name other options that leave its keys as they are (collMod); the sequence.

        definition   the whole new one: hidden, expireAfterSeconds, prepareUnique and unique may differ. That no
                     two documents have one key is the caller's to see, by `Index.duplicates`
        errors       CollectionDropped
        """
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            command = {"collMod": collection.namespace.partition(".")[2], "index": definition}
            payload = self._catalog_entry(collection.namespace, collection.uuid, command)
            definitions = collection.indexes | {definition["name"]: definition}
            if collection.secondary is None:
                return self._commit(payload, collection.set_indexes, definitions, None)
            maker = self._make_keys(definition)
            indexes = [
                index.redefined(definition, maker) if index.name == definition["name"] else index
                for index in collection.secondary.indexes
            ]
            return self._commit(payload, collection.set_indexes, definitions, Secondary(indexes))

    # Writes of records. Each gives None where the collection has no secondary index any more.

    def _change_of_one(
        self, collection: Collection, record_id: int, raw: bytes, evicted: Sequence[tuple[int, bytes]]
    ) -> IndexChange | None:
        """What inserting a document, and removing those that it pushes out, does to the indexes. Under the lock.

        errors   ServerError for a document that an index refuses
        """
        secondary = collection.secondary
        if secondary is None:
            return None
        change = IndexChange(secondary)
        clash = change.insert(record_id, secondary.keys(raw))
        if clash is not None:
            raise clash.error(collection.namespace, raw)
        for old_id, old in evicted:
            change.remove(old_id, secondary.keys(old))
        return change

    def _insert_indexed(
        self, collection: Collection, keys: Sequence[bytes], raws: Sequence[bytes], ordered: bool, interrupt: Interrupt
    ) -> Inserted | None:
        """`insert` into a collection with secondary indexes."""
        while (secondary := collection.secondary) is not None:
            done = self._insert_whole(collection, secondary, keys, raws, interrupt)
            if done is not None:
                return done
            made = secondary.keys_or_errors(raws, interrupt)
            with self.lock:
                if collection.is_dropped:
                    raise CollectionDropped
                if collection.secondary is not secondary:
                    continue
                record_id = collection.next_record_id
                batch = _Batch(collection, IndexChange(secondary))
                for position, key in enumerate(interrupt.watch(keys)):
                    if not batch.takes(position, key, raws[position], made[position]) and ordered:
                        break
                positions = batch.positions
                if not positions:
                    return Inserted(positions, batch.duplicates, 0, batch.failures)
                keys = [keys[position] for position in positions]
                raws = [raws[position] for position in positions]
                pieces = entry_pieces(record_id, self._head(collection, "i"), raws, interrupt)
                sequence = self._commit(
                    pieces, collection.extend_indexed, record_id, keys, raws, batch.change, interrupt
                )
                return Inserted(positions, batch.duplicates, sequence, batch.failures)
        return None

    def _insert_whole(
        self,
        collection: Collection,
        secondary: Secondary,
        keys: Sequence[bytes],
        raws: Sequence[bytes],
        interrupt: Interrupt,
    ) -> Inserted | None:
        """`_insert_indexed` of a batch that clashes with nothing; None where it does, and then nothing is done."""
        columns = secondary.columns(raws, interrupt)
        if columns is None:
            return None
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            record_id, change = collection.next_record_id, IndexChange(secondary)
            if (
                collection.secondary is not secondary
                or collection.first_duplicate(keys, interrupt) is not None
                or not change.insert_all(record_id, len(raws), columns)
            ):
                return None
            pieces = entry_pieces(record_id, self._head(collection, "i"), raws, interrupt)
            sequence = self._commit(pieces, collection.extend_indexed, record_id, keys, raws, change, interrupt)
            return Inserted(None, [], sequence)

    def _replace_indexed(self, collection: Collection, record_id: int, raw: bytes, description: bytes) -> int:
        """`replace` in a collection with secondary indexes.

        errors   ServerError for a document that an index refuses
        """
        old, secondary = collection.record(record_id), collection.secondary
        assert old is not None and secondary is not None
        change = IndexChange(secondary)
        clash = change.replace(record_id, secondary.keys(old), secondary.keys(raw))
        if clash is not None:
            raise clash.error(collection.namespace, raw)
        piece = entry(record_id, self._head(collection, "u"), (raw, description))
        return self._commit(piece, collection.replace_indexed, [(record_id, raw)], change)

    def _update_indexed(
        self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt
    ) -> Changed | None:
        """`update` in a collection with secondary indexes.

        errors   ServerError for a document that an index refuses; those before it are changed
        """
        while (secondary := collection.secondary) is not None:
            before = secondary.keys_or_errors([change.expected for change in changes], interrupt)
            after = secondary.keys_or_errors([change.raw for change in changes], interrupt)
            with self.lock:
                if collection.secondary is not secondary:
                    continue
                conflicts = conflicts_of(collection, [(change.record_id, change.expected) for change in changes])
                made = without(list(zip(changes, before, after, strict=True)), conflicts)
                index_change = IndexChange(secondary)
                taken: list[Change] = []
                failure: ServerError | None = None
                for change, old, new in made:
                    failure = _refusal(collection, index_change, change, old, new)
                    if failure is not None:
                        break
                    taken.append(change)
                sequence = 0
                if taken:
                    pieces = self._update_pieces(collection, taken, interrupt)
                    replacements = [(change.record_id, change.raw) for change in taken]
                    sequence = self._commit(pieces, collection.replace_indexed, replacements, index_change)
                if failure is not None:
                    raise failure
                return Changed(conflicts, sequence)
        return None

    def _delete_indexed(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt
    ) -> Changed | None:
        """`delete` in a collection with secondary indexes."""
        while (secondary := collection.secondary) is not None:
            made = secondary.keys_or_errors([raw for _, raw in removals], interrupt)
            with self.lock:
                if collection.secondary is not secondary:
                    continue
                conflicts = conflicts_of(collection, removals)
                removals, made = without(removals, conflicts), list(without(made, conflicts))
                if not removals:
                    return Changed(conflicts, 0)
                change = IndexChange(secondary)
                for (record_id, _), keys in zip(removals, made, strict=True):
                    if not isinstance(keys, ServerError):
                        change.remove(record_id, keys)
                pieces = self._delete_pieces(collection, removals, interrupt)
                id_keys = self._record_keys(collection, removals, interrupt)
                return Changed(conflicts, self._commit(pieces, collection.remove_indexed, id_keys, change))
        return None

    # The entries of commits

    def _update_pieces(self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt) -> list[bytes]:
        head = self._head(collection, "u")
        return [
            entry(record_id, head, (raw,) if description is None else (raw, description))
            for record_id, _, raw, description in interrupt.watch(changes)
        ]

    def _delete_pieces(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt
    ) -> list[bytes]:
        head = self._head(collection, "d")
        return [entry(record_id, head, (id_document(raw),)) for record_id, raw in interrupt.watch(removals)]

    @staticmethod
    def _record_keys(
        collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt
    ) -> list[tuple[int, bytes]]:
        """(record id, `_id` key) of records."""
        collator = collection.collator
        return [(record_id, record_key(raw, collator)) for record_id, raw in interrupt.watch(removals)]


class _Batch:
    """The documents of an insert that the indexes take, and why they refuse the others. Under the lock.

    positions    of those they take
    duplicates   of those whose `_id` is taken
    failures     of those that a secondary index refuses, with the errors
    change       what the commit does to the indexes
    """

    __slots__ = ("_collection", "_record_id", "_seen", "change", "duplicates", "failures", "positions")

    def __init__(self, collection: Collection, change: IndexChange) -> None:
        self._collection = collection
        self._record_id = collection.next_record_id
        self._seen: set[bytes] = set()
        self.change = change
        self.positions: list[int] = []
        self.duplicates: list[int] = []
        self.failures: list[tuple[int, ServerError]] = []

    def takes(self, position: int, key: bytes, raw: bytes, made: KeysOfAll | ServerError) -> bool:
        """Whether the document at this position is taken."""
        if key in self._seen or self._collection.has_key(key):
            self.duplicates.append(position)
            return False
        if isinstance(made, ServerError):
            self.failures.append((position, made))
            return False
        clash = self.change.insert(self._record_id + len(self.positions), made)
        if clash is not None:
            self.failures.append((position, clash.error(self._collection.namespace, raw)))
            return False
        self._seen.add(key)
        self.positions.append(position)
        return True


def _refusal(
    collection: Collection, index_change: IndexChange, change: Change, old: Any, new: Any
) -> ServerError | None:
    """Why an index refuses a changed document; None if none does, and then `index_change` holds it.

    old, new   the keys of the document before and after, or the errors in their place
    """
    if isinstance(new, ServerError):
        return new
    if isinstance(old, ServerError):  # it had no keys
        old = ((),) * len(new)
    clash = index_change.replace(change.record_id, old, new)
    return None if clash is None else clash.error(collection.namespace, change.raw)

"""Writes to collections that have secondary indexes.

The keys of documents are made before the lock is taken, for the indexes that there are then; where these are others by
the time the lock is held, they are made anew. Under the lock a batch of new documents is taken whole if it clashes with
nothing, else the documents are taken one by one, up to the first that an index refuses; the commit changes records and
indexes together.
"""

from __future__ import annotations

from collections.abc import Sequence

from amongo.engine.index_commits import IndexCommits
from amongo.engine.indexes import IndexChange, KeysOfAll, Secondary
from amongo.engine.log import entry
from amongo.engine.records import Collection, id_document, record_key
from amongo.engine.writes import Change, Changed, CollectionDropped, Inserted, conflicts_of, without
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt


class IndexWrites(IndexCommits):
    """The writes of records of collections with secondary indexes. Each gives None where there is none any more."""

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
            change.remove(old_id, secondary.keys_held(old))
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
                pieces = self._log.pieces(record_id, self._head(collection, "i"), raws, interrupt)
                sequence = self._commit_some(
                    positions, pieces, collection.extend_indexed, record_id, keys, raws, batch.change, interrupt
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
                or not change.insert_all(record_id, len(raws), columns, interrupt)
            ):
                return None
            pieces = self._log.pieces(record_id, self._head(collection, "i"), raws, interrupt)
            sequence = self._commit(pieces, collection.extend_indexed, record_id, keys, raws, change, interrupt)
            return Inserted(None, [], sequence)

    def _replace_indexed(self, collection: Collection, record_id: int, raw: bytes, description: bytes) -> int:
        """`replace` in a collection with secondary indexes.

        errors   ServerError for a document that an index refuses
        """
        old, secondary = collection.record(record_id), collection.secondary
        assert old is not None and secondary is not None
        images = (old,) if collection.keeps_images else ()
        piece = entry(record_id, self._head(collection, "u"), (raw, description, *images))
        before, after = secondary.keys_held(old), secondary.keys(raw)
        if before == after:
            return self._commit(piece, collection.replace, record_id, raw)
        change = IndexChange(secondary)
        clash = change.replace(record_id, before, after)
        if clash is not None:
            raise clash.error(collection.namespace, raw)
        return self._commit(piece, collection.replace_indexed, [(record_id, raw)], change)

    def _update_indexed(
        self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt
    ) -> Changed | None:
        """`update` in a collection with secondary indexes.

        errors   ServerError for a document that an index refuses; those before it are changed
        """
        while (secondary := collection.secondary) is not None:
            before = [secondary.keys_held(change.expected) for change in interrupt.watch(changes)]
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
            made: Sequence[KeysOfAll] = [secondary.keys_held(raw) for _, raw in interrupt.watch(removals)]
            with self.lock:
                if collection.secondary is not secondary:
                    continue
                conflicts = conflicts_of(collection, removals)
                removals, made = without(removals, conflicts), without(made, conflicts)
                if not removals:
                    return Changed(conflicts, 0)
                change = IndexChange(secondary)
                for (record_id, _), keys in zip(removals, made, strict=True):
                    change.remove(record_id, keys)
                pieces = self._delete_pieces(collection, removals, interrupt)
                id_keys = self._record_keys(collection, removals, interrupt)
                return Changed(conflicts, self._commit(pieces, collection.remove_indexed, id_keys, change))
        return None

    # The entries of commits

    def _update_pieces(self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt) -> list[bytes]:
        head = self._head(collection, "u")
        if collection.keeps_images:
            return [
                entry(record_id, head, (raw, old) if description is None else (raw, description, old))
                for record_id, old, raw, description in interrupt.watch(changes)
            ]
        return [
            entry(record_id, head, (raw,) if description is None else (raw, description))
            for record_id, _, raw, description in interrupt.watch(changes)
        ]

    def _delete_pieces(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt
    ) -> list[bytes]:
        head = self._head(collection, "d")
        if collection.keeps_images:
            return [entry(record_id, head, (id_document(raw), raw)) for record_id, raw in interrupt.watch(removals)]
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
    collection: Collection,
    index_change: IndexChange,
    change: Change,
    old: KeysOfAll,
    new: KeysOfAll | ServerError,
) -> ServerError | None:
    """Why an index refuses a changed document; None if none does, and then `index_change` holds it.

    old, new   the keys of the document before and after; of the new one perhaps an error
    """
    if isinstance(new, ServerError):
        return new
    clash = index_change.replace(change.record_id, old, new)
    return None if clash is None else clash.error(collection.namespace, change.raw)

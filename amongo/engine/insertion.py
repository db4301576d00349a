"""How documents come into a store: alone or as a batch, each batch one commit.

A single document goes the shortest way there is (`append`), one of a retryable write with what says where it comes from
(`append_told`); capped collections and secondary indexes have ways of their own, and all come to one commit.
"""

from __future__ import annotations

from collections.abc import Sequence

from amongo.engine.forking import Forking
from amongo.engine.indexes import Entered
from amongo.engine.log import entry
from amongo.engine.origin import ORIGIN, Origin, coming_from, narrowed
from amongo.engine.records import Collection, record_key
from amongo.engine.writes import CollectionDropped, Inserted
from amongo.errors import ServerError
from amongo.errors import storage as errors
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import CHECK_DOCUMENTS


class Insertion(Forking):
    """The inserts of a store."""

    def insert_one(self, collection: Collection, key: bytes, raw: bytes) -> int:
        """Insert one document; the commit's sequence, or 0 if its `_id` is taken.

        errors   CollectionDropped, those of `admission`
        """
        self.admission.check(collection.namespace)
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            if collection.has_key(key):
                return 0
            if ORIGIN.get() is not None:
                return self._append_special(collection, key, raw)
            return self.append(collection, key, raw)

    def append(self, collection: Collection, key: bytes, raw: bytes, entered: Sequence[Entered] | None = None) -> int:
        """Insert a document whose `_id` the caller has found free under `lock`, which it holds; the sequence.

        entered   its entries in the secondary indexes, where they have been asked already
        errors    ServerError for a document that a secondary index refuses
        """
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        record_id = collection.next_record_id
        if not collection.is_plain and entered is None:
            secondary = collection.secondary
            if collection.cap is not None or secondary is None:
                return self._append_special(collection, key, raw)
            entered = secondary.entries(collection.namespace, record_id, raw)
        head = collection.heads.get("i") or self._head(collection, "i")
        before, history = self._log.last_sequence, self.history
        try:
            with self._guard:
                sequence = self._log.append_entry(record_id, 1, head, raw)
            collection.append(record_id, key, raw)
            if entered:
                for entries, index_key, each in entered:
                    entries.enter(index_key, each)
            history.last = sequence
            if history.is_watched:
                history.arrivals.announce()
        except BaseException:
            self._make_up(before, collection.append_indexed, record_id, key, raw, entered or ())
            raise
        return sequence

    def append_told(self, origin: Origin, collection: Collection, key: bytes, raw: bytes) -> int:
        """`append` of what a retryable write inserts, which is remembered.

        errors   those of `append` and of `Retries.check`
        """
        if not collection.is_plain:
            with coming_from(origin):
                return self._append_special(collection, key, raw)
        self.retries.check(origin)
        record_id = collection.next_record_id
        payload = origin.entry() + entry(record_id, collection.heads.get("i") or self._head(collection, "i"), (raw,))
        return self._write(payload, self._change_told, origin, "i", None, collection.append, record_id, key, raw)

    def _append_special(self, collection: Collection, key: bytes, raw: bytes) -> int:
        """Insert a document into a capped collection: the commit removes the oldest where there are too many then.

        errors   ServerError for a document that a secondary index refuses
        """
        record_id = collection.next_record_id
        evicted = collection.overflow(len(raw))
        change = self._change_of_one(collection, record_id, raw, evicted)
        pieces = [entry(record_id, self._head(collection, "i"), (raw,))]
        pieces += self._delete_pieces(collection, evicted, NEVER)
        keys = [(old_id, record_key(old, collection.collator)) for old_id, old in evicted]
        sequence = self._commit(pieces, collection.append_special, record_id, key, raw, keys, change)
        if collection.cap is not None:
            collection.arrivals.announce()
        return sequence

    def _insert_alone(self, collection: Collection, key: bytes, raw: bytes) -> Inserted:
        """`insert` of one document into a collection with secondary indexes."""
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            if collection.has_key(key):
                return Inserted([], [0], 0)
            secondary = collection.secondary
            try:
                entries = (
                    () if secondary is None else secondary.entries(collection.namespace, collection.next_record_id, raw)
                )
            except ServerError as error:
                return Inserted([], [], 0, [(0, error)])
            if ORIGIN.get() is not None:
                return Inserted(None, [], self._append_special(collection, key, raw))
            return Inserted(None, [], self.append(collection, key, raw, entries))

    def _insert_capped(
        self, collection: Collection, keys: Sequence[bytes], raws: Sequence[bytes], ordered: bool, interrupt: Interrupt
    ) -> Inserted:
        """Insert a batch into a capped collection, each document as a commit of its own, as the server does: an `_id`
        is free again once its document has been pushed out, by an earlier one of the batch perhaps."""
        inserted: list[int] = []
        duplicates: list[int] = []
        failures: list[tuple[int, ServerError]] = []
        sequence = 0
        for start in range(0, len(raws), CHECK_DOCUMENTS):
            interrupt.check()
            with self.lock:
                if collection.is_dropped:
                    raise CollectionDropped
                for position in range(start, min(start + CHECK_DOCUMENTS, len(raws))):
                    try:
                        if not collection.has_key(keys[position]):
                            with coming_from(narrowed((position,))):
                                sequence = self._append_special(collection, keys[position], raws[position])
                            inserted.append(position)
                            continue
                        duplicates.append(position)
                    except ServerError as error:
                        failures.append((position, error))
                    if ordered:
                        return Inserted(inserted, duplicates, sequence, failures)
        return Inserted(inserted if duplicates or failures else None, duplicates, sequence, failures)

    def insert(
        self,
        collection: Collection,
        keys: Sequence[bytes],
        raws: Sequence[bytes],
        *,
        ordered: bool = True,
        interrupt: Interrupt = NEVER,
    ) -> Inserted:
        """Insert a batch as one commit; into a capped collection, as one for each document.

        keys        of the documents' `_id`s
        ordered     end before the first duplicate, instead of leaving out duplicates
        interrupt   ends it before a commit, never after
        errors      CollectionDropped, those of `admission`
        """
        self.admission.check(collection.namespace)
        if collection.cap is not None:
            return self._insert_capped(collection, keys, raws, ordered, interrupt)
        while True:
            if collection.secondary is not None:
                if len(raws) == 1:
                    return self._insert_alone(collection, keys[0], raws[0])
                done = self._insert_indexed(collection, keys, raws, ordered, interrupt)
                if done is not None:
                    return done
            with self.lock:
                if collection.secondary is None:  # none has come since
                    return self._insert_plain(collection, keys, raws, ordered, interrupt)

    def _insert_plain(
        self, collection: Collection, keys: Sequence[bytes], raws: Sequence[bytes], ordered: bool, interrupt: Interrupt
    ) -> Inserted:
        """`insert` into a collection without secondary indexes. Under the lock."""
        if collection.is_dropped:
            raise CollectionDropped
        duplicate = collection.first_duplicate(keys, interrupt)
        positions: list[int] | None = None
        duplicates: list[int] = []
        if duplicate is not None:
            if ordered:
                positions, duplicates = list(range(duplicate)), [duplicate]
            else:
                positions, duplicates = _split_duplicates(collection, keys, interrupt)
            keys = [keys[position] for position in positions]
            raws = [raws[position] for position in positions]
        if not raws:
            return Inserted(positions, duplicates, 0)
        record_id = collection.next_record_id
        pieces = self._log.pieces(record_id, self._head(collection, "i"), raws, interrupt)
        sequence = self._commit_some(positions, pieces, collection.extend, record_id, keys, raws, interrupt)
        return Inserted(positions, duplicates, sequence)


def _split_duplicates(
    collection: Collection, keys: Sequence[bytes], interrupt: Interrupt
) -> tuple[list[int], list[int]]:
    """(positions of free keys, positions of taken ones) of a batch."""
    free: list[int] = []
    taken: list[int] = []
    seen: set[bytes] = set()
    for position, key in enumerate(interrupt.watch(keys)):
        if key in seen or collection.has_key(key):
            taken.append(position)
        else:
            free.append(position)
            seen.add(key)
    return free, taken

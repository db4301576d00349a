"""What a transaction has written where, and whether it may.

Before an entry is kept, what it writes is claimed, and then looked for in the real store: what was committed there
since the moment is a conflict. The commit looks once more, under the store's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from amongo.engine.catalog import Catalog
from amongo.engine.indexes import Index
from amongo.engine.log import Entry
from amongo.engine.moments import ForkedCatalog
from amongo.engine.records import Collection, Standing, record_keys
from amongo.engine.transactions.claims import Claim, Holder, OpenTransactions
from amongo.errors import storage as errors
from amongo.runtime.workers import RLock
from amongo.values.codec import decode

_HEAD_COUNT: Final = 1024  # heads that are remembered


@dataclass(eq=False, slots=True)
class Touched:
    """A collection that the transaction has written to.

    fork          as the transaction sees it
    parent        as the others do; None if the transaction has created it
    standing      as it was at the moment; None likewise
    changed       ids of records of the moment that it has replaced or removed
    keys          of the `_id`s of all documents that it has inserted, whether it has removed them again or not
    """

    fork: Collection
    parent: Collection | None
    standing: Standing | None
    changed: set[int] = field(default_factory=set)
    keys: list[bytes] = field(default_factory=list)

    @property
    def bound(self) -> int:
        """The records of the moment have ids below."""
        return 0 if self.standing is None else self.standing.view.bound

    def check_catalog(self) -> None:
        """Refuse a collection that was dropped, renamed or given other options or indexes since the moment.

        errors   WRITE_CONFLICT
        """
        parent, standing = self.parent, self.standing
        if parent is None or standing is None:
            return
        if (
            parent.is_dropped
            or parent.namespace != standing.namespace
            or parent.options is not standing.options
            or parent.indexes is not standing.indexes
            or parent.secondary is not standing.secondary
        ):
            raise errors.WRITE_CONFLICT()

    def check_records(self, record_ids: Sequence[int] | set[int]) -> None:
        """Refuse records that were written to since. errors: WRITE_CONFLICT"""
        if self.standing is not None and any(map(self.standing.follower.has_changed, record_ids)):
            raise errors.WRITE_CONFLICT()

    def check_keys(self, keys: Sequence[bytes]) -> None:
        """Refuse `_id`s that were inserted since. (Those that were removed again are in nobody's way; the server
        refuses them as well.) errors: WRITE_CONFLICT"""
        parent, bound = self.parent, self.bound
        if parent is None or parent.next_record_id == bound:
            return
        for key in keys:
            found = parent.find_id(key)
            if found is not None and found[0] >= bound:
                raise errors.WRITE_CONFLICT()

    def unique_keys(self, raws: Sequence[bytes]) -> Iterator[tuple[Index, bytes]]:
        """The keys of documents in unique indexes."""
        secondary = self.fork.secondary
        for index in () if secondary is None else secondary.indexes:
            if index.is_unique:
                for raw in raws:
                    for key in index.keys(raw):
                        yield index, key


class Footprint:
    """What one transaction has written.

    collections   by UUID, in the order in which they were first written to
    forks         the collections as the transaction sees them
    heads         (operation, collection) of the heads of entries that write records
    """

    def __init__(
        self, holder: Holder, open_transactions: OpenTransactions, forks: ForkedCatalog, catalog: Catalog, lock: RLock
    ) -> None:
        """
        catalog   of the real store
        lock      the real store's
        """
        self.collections: dict[bytes, Touched] = {}
        self.forks = forks
        self._holder = holder
        self._open_transactions = open_transactions
        self._catalog = catalog
        self._lock = lock
        self.heads: dict[bytes, tuple[str, Touched]] = {}

    def accept(self, entries: Sequence[Entry]) -> None:
        """Claim what entries write. errors: WRITE_CONFLICT, NOT_IN_TRANSACTION"""
        for entry in entries:
            found = self.heads.get(entry.head)
            if found is None:
                operation, uuid = _parsed(entry.head)
                if operation == "c":
                    self._accept_command(decode(entry.head))
                    continue
                found = self.heads[entry.head] = operation, self._touched(uuid)
            operation, touched = found
            if touched.parent is None:
                continue
            touched.check_catalog()
            if operation == "i":
                self._accept_inserts(touched, entry.documents)
            else:
                self._accept_change(touched, entry, operation)

    def _touched(self, uuid: bytes) -> Touched:
        found = self.collections.get(uuid)
        if found is None:
            parent, standing = self._catalog.by_uuid.get(uuid), self.forks.standing(uuid)
            if standing is not None and parent is None:
                raise errors.WRITE_CONFLICT()  # dropped since
            fork = self.forks.by_uuid[uuid]
            found = self.collections[uuid] = Touched(fork, None if standing is None else parent, standing)
        return found

    def _accept_command(self, head: dict[str, Any]) -> None:
        command, uuid = head["o"], bytes(head.get("ui", b""))
        name = next(iter(command))
        if name == "create":
            namespace = f"{head['ns'].partition('.')[0]}.{command['create']}"
            self._claim([(namespace,)])
            if self._catalog.get(namespace) is not None:
                raise errors.WRITE_CONFLICT()
        elif name == "createIndexes":
            self._touched(uuid).check_catalog()
        else:
            raise errors.NOT_IN_TRANSACTION(command=name)

    def _accept_inserts(self, touched: Touched, documents: Sequence[bytes]) -> None:
        uuid = touched.fork.uuid
        keys = record_keys(documents, touched.fork.collator)
        self._claim([(uuid, key) for key in keys])
        touched.check_keys(keys)
        touched.keys += keys
        self._claim_unique(touched, documents)

    def _accept_change(self, touched: Touched, entry: Entry, operation: str) -> None:
        record_id = entry.record_id
        if record_id < touched.bound:
            self._claim([(touched.fork.uuid, record_id)])
            touched.check_records((record_id,))
            touched.changed.add(record_id)
        if operation == "u":
            self._claim_unique(touched, entry.documents[:1])

    def _claim_unique(self, touched: Touched, documents: Sequence[bytes]) -> None:
        """Claim the keys of documents in unique indexes, and look whether others have come to have them."""
        found = list(touched.unique_keys(documents))
        if not found:
            return
        self._claim([(touched.fork.uuid, index.name, key) for index, key in found])
        parent = touched.parent
        secondary = None if parent is None else parent.secondary
        if secondary is None:
            return
        with self._lock:
            for index, key in found:
                there = secondary.named(index.name)
                record_id = None if there is None else there.entries.record_with(key)
                if record_id is not None and record_id not in touched.changed:
                    raise errors.WRITE_CONFLICT()

    def _claim(self, claims: Sequence[Claim]) -> None:
        self._open_transactions.claim(self._holder, claims)

    def forget(self) -> None:
        """Let go of everything, at the transaction's end."""
        self.collections.clear()
        self.heads.clear()


@lru_cache(maxsize=_HEAD_COUNT)
def _parsed(head: bytes) -> tuple[str, bytes]:
    """(operation, collection's UUID) of the head of an entry; many transactions write to the same collections."""
    fields = decode(head)
    return fields["op"], bytes(fields.get("ui", b""))

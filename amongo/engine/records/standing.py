"""What a collection holds at one moment, as a fork of it needs it.

Taken under the store's lock, it copies nothing: record chunks and layers are shared as in a `View`, secondary indexes
as in an `EntriesView`. The `_id`s are those of the parent's own dictionary, which goes on changing: `ParentIds` makes a
layer of it that shows them as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amongo.engine.indexes import Definition, EntriesLayer, Index, Secondary
from amongo.engine.records.id_order import NO_ORDER, IdOrder, OrderedIds, id_order
from amongo.engine.records.layers import IdLayer
from amongo.engine.records.trail import Follower
from amongo.engine.records.view import View


class ParentIds(OrderedIds):
    """The `_id`s that a parent had in memory at one moment: a layer of the `_id` index of its forks.

    It has entries of records that were removed before, as layers may.
    """

    __slots__ = ("_by_id", "_follower")

    def __init__(self, by_id: Mapping[bytes, int], follower: Follower, order: IdOrder | None) -> None:
        """
        by_id   the parent's own; keys may come and go in it
        order   of the keys that were in it then, if it is at hand
        """
        super().__init__(order)
        self._by_id = by_id
        self._follower = follower

    def has_key(self, key: bytes) -> Iterable[int]:
        """The ids of the records whose `_id` had this key."""
        record_id = self._by_id.get(key)
        gone = self._follower.gone(key)  # behind the look into the dictionary: what it lacks by now is here
        if record_id is None or record_id >= self._follower.bound:
            return gone
        return (record_id, *gone) if gone else (record_id,)

    def lacks_all(self, keys: Sequence[bytes]) -> bool:
        """Whether none of these keys is here; False where that would take a look at each."""
        if not self._by_id.keys().isdisjoint(keys):
            return False
        return not self._follower.has_gone or not any(map(self._follower.gone, keys))  # behind the other look

    def _sorted(self) -> IdOrder:
        bound = self._follower.bound
        pairs = [each for each in dict(self._by_id).items() if each[1] < bound]
        gone = list(self._follower.all_gone())  # behind the copy
        if not gone:
            return id_order((0, 0), dict(pairs), ())
        pairs = sorted({*pairs, *gone})
        return IdOrder((0, 0), [key for key, _ in pairs], [record_id for _, record_id in pairs])


@dataclass(frozen=True, slots=True)
class IndexStanding:
    """A secondary index at one moment.

    layers   its entries, newest first
    """

    index: Index
    layers: tuple[EntriesLayer, ...]

    def fork(self) -> Index:
        """An index of its own that begins with the same entries."""
        return self.index.forked(self.layers)


@dataclass(frozen=True, slots=True)
class Standing:
    """A collection at one moment; the fields as in `Collection`.

    view           its records; their natural order is not in it
    oldest         no record of a capped collection lies below
    follower       what has happened to these records since
    has_id_order   whether the `_id`s in memory need not be sorted
    """

    namespace: str
    uuid: bytes
    options: dict[str, Any]
    indexes: dict[str, Definition]
    secondary: Secondary | None
    index_standings: tuple[IndexStanding, ...]
    view: View
    data_bytes: int
    oldest: int
    id_layers: tuple[IdLayer, ...]
    follower: Follower
    validation: object
    heads: dict[str, bytes]
    has_id_order: bool

    def fork_indexes(self) -> Secondary | None:
        """Secondary indexes of a fork's own."""
        indexes = [each.fork() for each in self.index_standings]
        return Secondary(indexes) if indexes else None


def standing_ids(
    by_id: Mapping[bytes, int], id_layers: tuple[IdLayer, ...], follower: Follower, order: IdOrder
) -> tuple[IdLayer, ...]:
    """The layers of the `_id` index of a fork. Under the store's lock.

    order   of the parent's `_id`s as they are now; NO_ORDER where it is not at hand
    """
    if not by_id:
        return id_layers
    own = None if order is NO_ORDER else IdOrder((0, 0), order.keys, order.record_ids)
    return (ParentIds(by_id, follower, own), *id_layers)

"""What has happened to a collection's records since somebody began to stand on it.

A fork looks up `_id`s in its parent's own dictionary, from which the parent goes on removing keys: what it removes is
written down here first. A transaction asks whether a record was written to since its moment: that is written down too.
Nothing is, unless somebody stands on the collection.

The parent writes to the newest `Trail` alone, and begins another when that has become long. Each holds the one behind
it, and whoever stands on the collection holds the one with which he began: what nobody needs any more is let go of by
itself. A `Follower` goes along the trail of a fork, and keeps of what he has passed only what concerns the fork.

Only the store writes, under its lock; a `Follower` is for any thread, and may meet a trail that is being written to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from weakref import WeakSet

TRAIL_COUNT: Final = 2048  # notes after which another trail begins: to go past one takes a few tenths of a millisecond
_LAG_COUNT: Final = 32  # trails that a follower may be behind, before the collection takes him along


class Trail:
    """A stretch of what has happened.

    number      of the trail: one more than that of the one before
    moment      how many moments there have been: of two, the later has the greater number
    changed     by record id: after which moment it was last replaced or removed
    gone        by the key of an `_id`: the ids of the records that had it and were removed
    following   the trail behind this one, to which nothing is added any more then; None while there is none
    """

    __slots__ = ("__weakref__", "changed", "followers", "following", "gone", "moment", "number")

    def __init__(self, number: int = 0, moment: int = 0, followers: WeakSet[Follower] | None = None) -> None:
        self.number = number
        self.moment = moment
        self.changed: dict[int, int] = {}
        self.gone: dict[bytes, tuple[int, ...]] = {}
        self.following: Trail | None = None
        self.followers: WeakSet[Follower] = WeakSet() if followers is None else followers

    def note(self, record_id: int) -> None:
        """A record is about to be replaced or removed."""
        self.changed[record_id] = self.moment

    def note_gone(self, record_id: int, key: bytes) -> None:
        """The key of an `_id` is about to be removed. Once more does no harm."""
        found = self.gone.get(key, ())
        if record_id not in found:
            self.gone[key] = (*found, record_id)

    @property
    def is_long(self) -> bool:
        """Whether another one should begin."""
        return len(self.changed) >= TRAIL_COUNT

    def go_on(self) -> Trail:
        """The next trail; whoever has fallen far behind is taken along."""
        following = Trail(self.number + 1, self.moment, self.followers)
        self.following = following
        for each in list(self.followers):
            if following.number - each.number > _LAG_COUNT:
                each.step()
                each.step()
        return following


class Follower:
    """What has happened since one moment to the records that there were then.

    bound           all of their ids are less
    keeps_changes   whether `has_changed` will be asked: by transactions, not by those who only read
    """

    __slots__ = ("__weakref__", "_changed", "_gone", "_moment", "_trail", "bound", "keeps_changes")

    def __init__(self, trail: Trail, bound: int) -> None:
        """trail: the newest, under the store's lock."""
        trail.moment += 1
        self.bound = bound
        self.keeps_changes = False
        self._trail = trail
        self._moment = trail.moment
        self._changed: set[int] = set()
        self._gone: dict[bytes, tuple[int, ...]] = {}
        trail.followers.add(self)

    @property
    def number(self) -> int:
        """Of the trail that he has come to."""
        return self._trail.number

    def has_changed(self, record_id: int) -> bool:
        """Whether a record was replaced or removed since."""
        assert self.keeps_changes
        trail = self._newest()
        return record_id in self._changed or trail.changed.get(record_id, 0) >= self._moment

    def gone(self, key: bytes) -> tuple[int, ...]:
        """The ids of records that had this key and were removed, before the moment perhaps. Whoever has not found the
        key in the collection's dictionary finds it here."""
        trail = self._newest()
        found = (*self._gone.get(key, ()), *trail.gone.get(key, ()))
        return tuple(each for each in found if each < self.bound) if found else ()

    @property
    def has_gone(self) -> bool:
        """Whether anything was removed at all, for all that is known of late."""
        return bool(self._newest().gone or self._gone)

    def all_gone(self) -> Iterator[tuple[bytes, int]]:
        """(key, record id) of all that were removed, some of them perhaps twice."""
        trail = self._newest()
        for gone in (self._gone.copy(), trail.gone.copy()):
            for key, found in gone.items():
                for record_id in found:
                    if record_id < self.bound:
                        yield key, record_id

    def _newest(self) -> Trail:
        """The newest trail, once all before it have been passed."""
        while self.step():
            pass
        return self._trail

    def step(self) -> bool:
        """Pass one trail, if there is one behind it. Two threads that do so at once do the same twice."""
        trail, bound = self._trail, self.bound
        following = trail.following
        if following is None:
            return False
        if self.keeps_changes:
            moment = self._moment
            self._changed.update([each for each, at in trail.changed.items() if each < bound and at >= moment])
        own = self._gone
        for key, found in trail.gone.items():
            if found[0] < bound:  # the least: a key comes back with a greater id
                own[key] = (*own.get(key, ()), *[each for each in found if each < bound])
        if self._trail is trail:
            self._trail = following
        return True

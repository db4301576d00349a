"""What begins with a store as it is at one moment: moments, forks, transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from weakref import ref

from amongo.engine.catalog import Catalog
from amongo.engine.index_writes import IndexWrites
from amongo.engine.indexes import MakeKeys
from amongo.engine.log import Log, MemoryLog
from amongo.engine.moments import Moment, Standings
from amongo.engine.settings import Settings
from amongo.engine.transactions import OpenTransactions, Transaction
from amongo.runtime.clock import Clock

if TYPE_CHECKING:
    from amongo.engine.store import Store


class Forking(IndexWrites):
    """The moments of a store.

    transactions   those that are open
    """

    catalog: Catalog

    def __init__(self, log: Log | MemoryLog, make_keys: MakeKeys, settings: Settings, clock: Clock) -> None:
        super().__init__(log, make_keys)
        self.transactions = OpenTransactions()
        self.clock = clock
        self.make_keys = make_keys
        self._settings = settings
        self._standings: ref[Standings] | None = None  # the last ones, while somebody has them

    def moment(self) -> Moment:
        """The whole store as it is now. Nothing is copied; where nothing was written since the last one, and that is
        still open, it takes no time."""
        with self.lock:
            standings = None if self._standings is None else self._standings()
            if standings is None or standings.sequence != self._log.last_sequence:
                standings = Standings(self._log.last_sequence, self.catalog)
                self._standings = ref(standings)
        return Moment(standings)

    def fork(self, moment: Moment | None = None) -> Store:
        """A store in memory that begins with what this one holds, and goes its own way; it lives on when this one is
        closed.

        moment   which nobody writes to, or None for now; it may be closed then
        """
        moment = self.moment() if moment is None else moment
        return self.private(MemoryLog(self.clock, moment.sequence), moment.catalog)

    def transaction(self) -> Transaction:
        """Begin a transaction."""
        with self.lock:
            moment = self.moment()
            moment.keep_changes()
        return Transaction(self, moment, self.clock.monotonic())

    def private(self, log: MemoryLog, catalog: Catalog) -> Store:
        """A store of its own, in memory, on these collections."""
        raise NotImplementedError

    def publish(self, pieces: Sequence[bytes], change: Callable[[], None]) -> int:
        """The commit of a transaction; see `_commit`. Under the lock."""
        return self._commit(pieces, change)

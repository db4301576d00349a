"""One transaction: a private store on a moment, and one commit in the real store. See decision 0021.

Who has one runs every command on `store`, where it sees the moment and its own writes. What it may not write is refused
there at once (`footprint`); what has come in between is found at the commit. It is used by one thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from amongo.engine.moments import Moment
from amongo.engine.origin import Origin, coming_from
from amongo.engine.transactions.claims import Holder
from amongo.engine.transactions.collected import CollectedLog
from amongo.engine.transactions.footprint import Footprint
from amongo.engine.transactions.publication import Publication
from amongo.errors import storage as errors
from amongo.runtime.interrupts import NEVER, Interrupt

if TYPE_CHECKING:
    from amongo.engine.forking import Forking
    from amongo.engine.store import Store


class Transaction:
    """A transaction that has begun.

    store     on which its commands are run
    is_open   whether it was neither committed nor aborted
    """

    def __init__(self, real: Forking, moment: Moment, began_s: float) -> None:
        """
        real     the store in which it is committed
        moment   its own: it writes to the forks
        """
        self.is_open = True
        self._real = real
        self._moment = moment
        self._holder = Holder(began_s)
        self._footprint = Footprint(self._holder, real.transactions, moment.catalog, real.catalog, real.lock)
        self._log = CollectedLog(real.clock, moment.sequence, self._footprint.accept)
        self.store: Store = real.private(self._log, moment.catalog)
        self.store.admission = real.admission
        real.transactions.begin(self._holder)

    @property
    def began_s(self) -> float:
        """When it began, by the clock's `monotonic`."""
        return self._holder.began_s

    @property
    def sequence(self) -> int:
        """Of the last commit that it sees."""
        return self._moment.sequence

    @property
    def has_written(self) -> bool:
        """Whether it has written anything."""
        return self._log.size_bytes > 0

    @property
    def size_bytes(self) -> int:
        """Of what it has written."""
        return self._log.size_bytes

    def commit(self, origin: Origin | None = None, interrupt: Interrupt = NEVER) -> int:
        """Make all of its writes as one commit; the sequence, or 0 if there were none. It is at its end then.

        After an error it is still open, and nothing of it is in the store.

        interrupt   ends it before the frame is written, never after
        errors   WRITE_CONFLICT, those of the log; StatementsDone if the origin's transaction was committed before
        """
        if not self.is_open:
            raise errors.WRITE_CONFLICT()
        if not self.has_written:
            self.abort()
            return 0
        real = self._real
        publication = Publication(self._footprint, self._log.entries, real.catalog, real.make_keys, interrupt)
        with real.lock:
            publication.check()
            before = real.history.last
            try:
                with coming_from(origin):
                    sequence = real.publish(publication.pieces(), publication.make)
            finally:
                if real.history.last != before:  # whatever came in between, it is committed
                    self.abort()
        publication.announce()
        return sequence

    def abort(self) -> None:
        """Let go of all of it. A second call does nothing."""
        self.is_open = False
        self._real.transactions.end(self._holder)
        self._moment.close()
        self._footprint.forget()
        self._log.forget()
        self.store.catalog = self._moment.catalog

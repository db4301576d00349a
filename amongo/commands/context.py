"""What accompanies one operation through the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from amongo.commands.concerns import ReadConcern
from amongo.commands.peer import Peer
from amongo.runtime.interrupts import NEVER, Interrupt

Sequences = Mapping[str, Sequence[bytes]]
"""Array fields of a command whose documents come beside it, valid BSON each (OP_MSG calls them document sequences)."""


class Context(NamedTuple):
    """The circumstances of one operation.

    interrupt            how it is told to stop
    session_id           the 16 bytes of the logical session's UUID, None outside a session
    number               `txnNumber`: that of its transaction, or of its retryable write; None for neither
    is_transaction       it belongs to the transaction of that number
    starts_transaction   and is the first that does
    read_concern         of the transaction that it starts
    statements           numbers of the statements of a retryable write: a tuple of all, or a range that is long
                         enough for any; None for their positions
    peer                 who asks over a socket; None in process, where everything is allowed
    """

    interrupt: Interrupt = NEVER
    session_id: bytes | None = None
    number: int | None = None
    is_transaction: bool = False
    starts_transaction: bool = False
    read_concern: ReadConcern | None = None
    statements: Sequence[int] | None = None
    peer: Peer | None = None

    def in_session(self, session_id: bytes) -> Context:
        """The same of an operation that has just come, in a session."""
        return Context(self.interrupt, session_id, peer=self.peer)

    def with_number(self, number: int) -> Context:
        """The same of a retryable write, which has just been found to be one."""
        return Context(self.interrupt, self.session_id, number, peer=self.peer)


NO_CONTEXT = Context()
NO_SEQUENCES: Final[Sequences] = {}

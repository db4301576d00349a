"""What accompanies one operation through the rooms."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.runtime.interrupts import NEVER, Interrupt


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one operation.

    interrupt    how it is told to stop
    session_id   the 16 bytes of the logical session's UUID, None outside a session
    """

    interrupt: Interrupt = NEVER
    session_id: bytes | None = None


NO_CONTEXT = Context()

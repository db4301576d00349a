"""What accompanies one operation through the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from amongo.runtime.interrupts import NEVER, Interrupt

Sequences = Mapping[str, Sequence[bytes]]
"""Array fields of a command whose documents come beside it, valid BSON each (OP_MSG calls them document sequences)."""


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one operation.

    interrupt    how it is told to stop
    session_id   the 16 bytes of the logical session's UUID, None outside a session
    """

    interrupt: Interrupt = NEVER
    session_id: bytes | None = None


NO_CONTEXT = Context()
NO_SEQUENCES: Final[Sequences] = {}

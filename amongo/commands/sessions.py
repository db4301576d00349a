"""The logical sessions that the instance knows: which there are, and when each was last used.

A session begins when an operation first names it, and is forgotten when its client ends it or half an hour passes
without a use. Source: manual, Server Sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from bson import Binary
from bson.datetime_ms import DatetimeMS

from amongo.errors import diagnosis as errors
from amongo.runtime.clock import Clock
from amongo.runtime.limits import OPEN_SESSIONS, SESSION_IDLE_MINUTES

NOBODY: Final = sha256(b"").digest()
"""The digest of the one user there is, who has no name."""

_IDLE_MS: Final = SESSION_IDLE_MINUTES * 60_000


@dataclass(frozen=True, slots=True)
class Session:
    """A session.

    session_id    the 16 bytes of its UUID
    last_use_ms   on the clock
    """

    session_id: bytes
    last_use_ms: int

    def document(self) -> dict[str, Any]:
        """The session as $listSessions shows it."""
        return {
            "_id": {"id": Binary(self.session_id, 4), "uid": Binary(NOBODY, 0)},
            "lastUse": DatetimeMS(self.last_use_ms),
        }


class Sessions:
    """The sessions of an instance."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_use_ms: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._last_use_ms)

    def use(self, session_id: bytes) -> None:
        """Note that an operation runs in a session.

        errors   TOO_MANY_SESSIONS
        """
        known = self._last_use_ms
        if session_id not in known and len(known) >= OPEN_SESSIONS:
            self._forget_idle()
            if len(known) >= OPEN_SESSIONS:
                raise errors.TOO_MANY_SESSIONS()
        known.pop(session_id, None)  # so that the dictionary stays in the order of the last use
        known[session_id] = self._clock.now_ms()

    def end(self, session_id: bytes) -> None:
        """Forget a session."""
        self._last_use_ms.pop(session_id, None)

    def all(self) -> Iterator[Session]:
        """Those that are known, the one longest unused first."""
        self._forget_idle()
        return iter([Session(*each) for each in list(self._last_use_ms.items())])

    def _forget_idle(self) -> None:
        due_ms = self._clock.now_ms() - _IDLE_MS
        for session_id, last_use_ms in list(self._last_use_ms.items()):
            if last_use_ms > due_ms:
                break
            self._last_use_ms.pop(session_id, None)

"""Time as an argument, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Wall time: milliseconds since 1970-01-01 UTC."""
        ...

    @property
    def now_ns(self) -> Callable[[], int]:
        """Gives wall time in nanoseconds; to be taken once where it is often asked."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...


class SystemClock:
    """The machine's time."""

    def now_ms(self) -> int:
        """Wall time: milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    now_ns = staticmethod(time.time_ns)

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when a test moves it."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Wall time: milliseconds since 1970-01-01 UTC."""
        return self._now_ms

    def now_ns(self) -> int:
        """Wall time: nanoseconds since 1970-01-01 UTC."""
        return self._now_ms * 1_000_000

    def monotonic(self) -> float:
        """Seconds; moves with `advance`."""
        return self._now_ms / 1000

    def advance(self, duration_ms: int) -> None:
        """Let `duration_ms` milliseconds pass."""
        self._now_ms += duration_ms


SYSTEM_CLOCK: Clock = SystemClock()

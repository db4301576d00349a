"""Running the async client's coroutines without an event loop.

The blocking client is the async client, driven: `drive` runs a coroutine to its end on the calling thread. Code below
the client awaits nothing but the primitives of `amongo.runtime`, and each of these asks `is_blocking` and blocks the
thread instead of suspending; so the coroutine never yields.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class _Ready:
    """Awaiting it takes no time and needs no event loop."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


READY: Awaitable[None] = _Ready()


class _State(threading.local):
    depth = 0


_state = _State()


def is_blocking() -> bool:
    """Whether the calling thread drives a coroutine for the blocking client."""
    return _state.depth > 0


def block(duration_s: float) -> None:
    """Have the thread that drives a coroutine wait."""
    time.sleep(duration_s)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` to its end on this thread and give its result.

    errors   what the coroutine raises; RuntimeError if it awaits something that is not of `amongo.runtime`
    """
    _state.depth += 1
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        _state.depth -= 1
    coroutine.close()
    raise RuntimeError("the blocking client reached an await that needs an event loop")

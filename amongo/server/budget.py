"""The room that long messages of all connections share.

A message that fits a connection's own buffer needs none. A longer one is read when there is room for it; until then
its socket is not read, so that the client waits. Who came first is served first.
"""

from __future__ import annotations

from collections import deque

import anyio


class Budget:
    """A number of bytes, of which everybody takes a part and gives it back. Used on one event loop.

    left   what nobody has taken
    """

    def __init__(self, size: int) -> None:
        self.left = size
        self._waiting: deque[tuple[int, anyio.Event]] = deque()

    async def take(self, size: int) -> None:
        """Take so many bytes, when there are so many and nobody has waited longer."""
        if not self._waiting and size <= self.left:
            self.left -= size
            return
        turn = (size, anyio.Event())
        self._waiting.append(turn)
        try:
            await turn[1].wait()
        except BaseException:
            if turn[1].is_set():
                self.give(size)
            else:
                self._waiting.remove(turn)
                self._serve()
            raise

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self.left += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.left:
            size, came = self._waiting.popleft()
            self.left -= size
            came.set()

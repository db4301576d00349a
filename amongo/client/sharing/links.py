"""The connections of an attached process to the owner of its store, and what is asked over them.

Each does one thing at a time: a question goes out, its answer comes back, and the connection waits for the next one.
There are as many as operations run at one time, up to a bound; who comes then waits for one to be free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from amongo.client.sharing.frames import Broken, Link, Message
from amongo.client.sharing.places import connect
from amongo.runtime.blocking import drive
from amongo.runtime.limits import SHARING_CONNECTIONS, SHARING_IDLE_CONNECTIONS, SHARING_LOOK_S
from amongo.runtime.workers import Completion, Lock, sleep


class OwnerLost(Exception):
    """There is no answer, for the owner is gone.

    was_asked   whether it may have done what it was asked for
    """

    def __init__(self, was_asked: bool) -> None:
        super().__init__("the process that owned the store is gone")
        self.was_asked = was_asked


class Links:
    """The connections.

    last_time   the latest operation time that the owner has told, as a sequence
    """

    def __init__(self, directory: str, hello: Callable[[], Message]) -> None:
        """
        hello   what a connection begins with
        """
        self.last_time = 0
        self._directory = directory
        self._hello = hello
        self._lock = Lock()
        self._epoch = 0
        self._is_ended = False
        self._idle: deque[tuple[int, Link]] = deque()
        self._links: set[Link] = set()  # those that are open, but for those that were lent
        self._waiting: deque[Completion] = deque()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._links)

    async def ask(self, head: dict[str, Any], attachments: list[Any]) -> Message:
        """The owner's answer to a message. A cancelled caller's operation is stopped there.

        errors   OwnerLost
        """
        link = await self.link()
        try:
            await link.send(Message(head, attachments))
            answer = await link.receive()
        except Broken:
            self._close(link)
            raise OwnerLost(was_asked=True) from None
        except BaseException:
            self._close(link)
            raise
        self._give_back(link)
        if "s" not in head:  # a fork has times of its own
            self.last_time = max(self.last_time, answer.head.get("t", 0))
        return answer

    def tell(self, head: dict[str, Any], attachments: list[Any]) -> None:
        """Tell the owner something that has no answer, and do not wait for anything; if it is gone, that is all."""
        try:
            link = self._free() or self._connected()
        except (OSError, Broken):
            return
        try:
            drive(link.send(Message(head, attachments)))
        except Broken:
            self._close(link)
        except BaseException:
            self._close(link)
            raise
        else:
            self._give_back(link)

    async def link(self) -> Link:
        """A connection to the owner, for one question and its answer. errors: OwnerLost."""
        while True:
            link = self._free()
            if link is not None:
                return link
            if len(self._links) >= SHARING_CONNECTIONS:
                turn = Completion()
                self._waiting.append(turn)
                if len(self._links) >= SHARING_CONNECTIONS:
                    await turn.wait()
                continue
            try:
                return self._connected()
            except BlockingIOError:  # many come at once
                await sleep(SHARING_LOOK_S)
            except (OSError, Broken):
                raise OwnerLost(was_asked=False) from None

    def _free(self) -> Link | None:
        """A connection that was kept, to the present owner."""
        while self._idle:
            try:
                epoch, link = self._idle.pop()
            except IndexError:  # another thread took the last
                return None
            if epoch == self._epoch and link.is_alive():
                return link
            self._close(link)
        return None

    def _connected(self) -> Link:
        """A new connection. errors: OSError, Broken."""
        link = Link(connect(self._directory))
        try:
            drive(link.send(self._hello()))
        except BaseException:
            link.close()
            raise
        with self._lock:
            self._links.add(link)
        return link

    def _give_back(self, link: Link) -> None:
        """Keep a connection for the next question."""
        if (len(self._idle) >= SHARING_IDLE_CONNECTIONS and not self._waiting) or self._is_ended:
            self._close(link)
            return
        self._idle.append((self._epoch, link))
        self._let_on()

    def _close(self, link: Link) -> None:
        self.lend(link)
        link.close()

    def _let_on(self) -> None:
        with suppress(IndexError):
            self._waiting.popleft().set_result()

    def lend(self, link: Link) -> None:
        """A connection that `link` gave is used for longer, and closed by who has it: it does not count any more."""
        with self._lock:
            self._links.discard(link)
        self._let_on()

    # The end of the owner, and of this process's part

    def renew(self) -> None:
        """The owner is gone: keep no connection to it."""
        self._epoch += 1
        while self._idle:
            with suppress(IndexError):
                self._close(self._idle.pop()[1])

    def end(self) -> None:
        """Close them; those who wait for an answer hear that there is none."""
        self._is_ended = True
        self.renew()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.end()  # who waits closes it

    def forget(self) -> None:
        """In a forked child: they are the parent's; here they are closed, and there they go on."""
        for link in self._links:
            link.close()

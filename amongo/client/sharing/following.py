"""Live queries between processes: the owner follows the log, the other process asks it for what it has found.

A live query has a connection of its own and lives as long as that. Its process asks for differences, one question at a
time; a question that waits is answered when there are some, or when the process wants to know at once after all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup

from amongo.client.sharing.forms import from_form, to_form
from amongo.client.sharing.frames import Broken, Link, Message
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.live import LiveQuery
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS, SHARING_DIFFERENCES
from amongo.runtime.workers import run
from amongo.streams.live import Difference

# The owner's side


async def follow(link: Link, live: LiveQuery, instance: Instance, failure: Callable[[ServerError], Message]) -> None:
    """Answer the questions of a live query until its connection ends. errors: Broken."""
    await link.send(Message({"n": live.sequence}, live.documents))
    live.documents = []
    while True:
        head = (await link.receive()).head
        if "look" not in head:  # it wanted to know at once, and had the answer already
            continue
        try:
            await _look(link, live, instance, waits=head["look"])
        except ServerError as error:
            await link.send(failure(error))
            return
        ready, attachments = live.feed.ready, list[Any]()
        found = [ready.popleft() for _ in range(min(len(ready), SHARING_DIFFERENCES))]
        form = [to_form(each, attachments) for each in found]
        await link.send(Message({"v": form, "ended": live.feed.is_ended and not ready}, attachments))


async def _look(link: Link, live: LiveQuery, instance: Instance, *, waits: bool) -> None:
    """Look at what was committed, until there are differences or, if it `waits`, the other process says something.

    errors   those of `Feed.look`
    """
    feed = live.feed
    while not feed.ready and not feed.is_ended:
        arrival = live.arrival()
        if live.has_news:
            if instance.examines(live) <= LOOP_DOCUMENTS:
                instance.execute(live)
            else:
                interrupt = Interrupt()
                await run(instance.execute, live, Context(interrupt), interrupt=interrupt)
        elif waits:
            said: list[bool] = []
            async with anyio.create_task_group() as group:
                group.start_soon(_hear, link, live, said, group)
                await live.sleeper.sleep(arrival, None, lambda said=said: bool(said))  # type: ignore[misc]
                group.cancel_scope.cancel()
            waits = not said
        else:
            return


async def _hear(link: Link, live: LiveQuery, said: list[bool], group: TaskGroup) -> None:
    await link.ended()
    said.append(True)
    live.sleeper.wake()


# The other side


class AttachedLive:
    """A live query that the owner follows: what `LiveQuery` is for a store of this process.

    sequence    of the commit that its first result was read at
    documents   the first result, as bytes
    ready       differences that nobody has taken yet
    is_ended    whether there will be no more
    """

    def __init__(self, link: Link, first: Message) -> None:
        self.sequence: int = first.head["n"]
        self.documents: list[bytes] = first.attachments
        self.ready: deque[Difference] = deque()
        self.is_ended = False
        self._link = link
        self._is_asked = False  # whether an answer is on its way
        self._is_waiting = False  # whether somebody waits for it

    @property
    def feed(self) -> AttachedLive:
        """Where its differences are."""
        return self

    @property
    def sleeper(self) -> AttachedLive:
        """Who waits for them."""
        return self

    async def fetch(self, *, waits: bool) -> Message | None:
        """Ask for differences; the failure that the owner answers with, if it is one.

        waits    until there are some
        errors   Broken when the owner is gone
        """
        self._is_waiting = True
        try:
            if self._is_asked and not waits:
                await self._link.send(Message({"stop": True}))
                failure = await self._answer()
                if failure is not None or self.ready:
                    return failure
            if not self._is_asked:
                await self._link.send(Message({"look": waits}))
                self._is_asked = True
            return await self._answer()
        finally:
            self._is_waiting = False
            if self.is_ended:
                self._link.close()

    async def _answer(self) -> Message | None:
        answer = await self._link.receive()
        self._is_asked = False
        if "e" in answer.head:
            return answer
        self.ready.extend(from_form(each, answer.attachments) for each in answer.head["v"])
        self.is_ended = self.is_ended or answer.head["ended"]
        return None

    def end(self) -> None:
        """Follow no longer. A second call does nothing."""
        self.is_ended = True
        if self._is_waiting:
            self._link.end()  # who waits closes it
        elif not self._link.is_closed:
            self._link.close()

    def wake(self) -> None:
        """Let who waits go on: `end` does."""


async def begun(link: Link, request: Any) -> tuple[AttachedLive | None, Message]:
    """(the live query, its first message), or (None, the failure). errors: Broken."""
    attachments: list[Any] = []
    form = to_form(request, attachments)
    await link.send(Message({"live": form}, attachments))
    first = await link.receive()
    if "e" in first.head:
        with suppress(Broken):
            link.close()
        return None, first
    return AttachedLive(link, first), first

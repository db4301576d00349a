"""GET /feed: what this service changes, as server-sent events, the moment it is changed.

The events come from the service itself: every endpoint that writes calls `publish`. That is all there is to tell as
long as nothing else writes to the store, and a `local://` store has one owner. Change streams, which report every
write wherever it comes from and can resume after a break, come with a later release of amongo; then `listen` becomes
`await flights.watch()` and this file goes away.
"""

from collections.abc import AsyncIterator
from itertools import count
from typing import Annotated, Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, Depends, Request

from amongo.integrations.fastapi import EventStreamResponse, sse

Event = dict[str, Any]

# A listener that is this many events behind is let go; its browser connects again by itself.
LISTENER_EVENTS = 256


class Broadcast:
    """Passes events on to whoever listens just now, in this process."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._listeners: set[MemoryObjectSendStream[Event]] = set()

    def publish(self, operation: str, document: Event) -> None:
        """Tell all listeners; never waits for one."""
        event = {"number": next(self._numbers), "operation": operation, "flight": document}
        for listener in tuple(self._listeners):
            try:
                listener.send_nowait(event)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                self._forget(listener)

    def listen(self) -> AsyncIterator[Event]:
        """The events from now on; close the iterator to stop listening."""
        writing, reading = anyio.create_memory_object_stream[Event](LISTENER_EVENTS)
        self._listeners.add(writing)
        return self._events(writing, reading)

    async def _events(
        self, writing: MemoryObjectSendStream[Event], reading: MemoryObjectReceiveStream[Event]
    ) -> AsyncIterator[Event]:
        try:
            with reading:
                async for event in reading:
                    yield event
        finally:
            self._forget(writing)

    def _forget(self, listener: MemoryObjectSendStream[Event]) -> None:
        self._listeners.discard(listener)
        listener.close()


def get_broadcast(request: Request) -> Broadcast:
    """The application's broadcast, made in `main`."""
    broadcast: Broadcast = request.app.state.broadcast
    return broadcast


Changes = Annotated[Broadcast, Depends(get_broadcast)]

router = APIRouter(tags=["feed"])


@router.get("/feed", response_class=EventStreamResponse)
async def feed(changes: Changes) -> EventStreamResponse:
    """Flights as they are inserted, updated and deleted, as server-sent events."""
    return sse(
        changes.listen(),
        event=lambda event: event["operation"],
        event_id=lambda event: str(event["number"]),
        retry_ms=1000,
    )

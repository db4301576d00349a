"""GET /feed: every change of a flight as a server-sent event, the moment it is written.

A change stream tells of all writes, whoever made them. Each event's id is its resume token: a browser that was away
goes on behind the last event it has seen, also when the service was started again in between.
"""

from typing import Any

from fastapi import APIRouter

from amongo.integrations.fastapi import EventStreamResponse, ResumeToken, sse

from . import settings
from .flights import Flights

router = APIRouter(tags=["feed"])


@router.get("/feed", response_class=EventStreamResponse)
async def feed(flights: Flights, seen: ResumeToken) -> EventStreamResponse:
    """Flights as they are inserted, updated and deleted, as server-sent events named after what was done."""
    changes = flights.watch(full_document="updateLookup", start_after=seen)
    return sse(changes, event=_operation, heartbeat_seconds=settings.HEARTBEAT_SECONDS, retry_ms=1000)


def _operation(change: dict[str, Any]) -> str:
    name: str = change["operationType"]
    return name

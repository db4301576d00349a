"""Reading server-sent events from an httpx response, as a browser's EventSource does."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """One event of a feed."""

    name: str
    id: str
    document: dict[str, Any]


async def events(response: httpx.Response) -> AsyncIterator[Event]:
    """The events of a `text/event-stream` response; comments, such as heartbeats, are passed over."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield Event(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
        fields = {}

"""GET /: a page that keeps itself up to date, and the web socket behind it.

A live query is asked once. Its first message is the result, every further one is a difference: what to take out of the
list, and what to put in where. Nobody asks again, neither the page nor the database.
"""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket
from fastapi.responses import FileResponse

from amongo.integrations.fastapi import live_socket

from .flights import Flights
from .models import Faa

router = APIRouter(tags=["live"])

_PAGE = Path(__file__).with_name("live.html")
_SHOWN = ("carrier", "flight", "origin", "dest", "time_hour", "dep_delay")


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page."""
    return FileResponse(_PAGE)


@router.websocket("/live/delays")
async def live_delays(
    websocket: WebSocket,
    flights: Flights,
    origin: Annotated[Faa | None, Query()] = None,
    min_delay: Annotated[int, Query(ge=60)] = 180,
    size: Annotated[int, Query(ge=1, le=100)] = 10,
) -> None:
    """The flights that left latest, the worst first, from an airport or from all."""
    wanted = {"dep_delay": {"$gte": min_delay}} | ({"origin": origin} if origin else {})
    worst = flights.live(wanted, sort={"dep_delay": -1, "_id": 1}, limit=size, projection=dict.fromkeys(_SHOWN, 1))
    await live_socket(websocket, worst)

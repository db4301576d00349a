"""How late the airlines were: one aggregation over all flights."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from .flights import Flights
from .models import CarrierDelays, Faa, Month

router = APIRouter(prefix="/stats", tags=["statistics"])


@router.get("/delays")
async def delays(
    flights: Flights,
    origin: Annotated[Faa | None, Query()] = None,
    month: Annotated[Month | None, Query()] = None,
) -> list[CarrierDelays]:
    """Delays by airline, the latest first."""
    wanted = {name: value for name, value in {"origin": origin, "month": month}.items() if value is not None}
    cursor = await flights.aggregate(_pipeline(wanted))
    return [CarrierDelays.model_validate(document) async for document in cursor]


def _pipeline(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Group the flights by carrier, then look up the airlines' names."""
    is_cancelled = {"$lte": ["$dep_time", None]}  # missing or null
    return [
        {"$match": wanted},
        {
            "$group": {
                "_id": "$carrier",
                "flights": {"$sum": 1},
                "cancelled": {"$sum": {"$cond": [is_cancelled, 1, 0]}},
                "mean_dep_delay": {"$avg": "$dep_delay"},
                "mean_arr_delay": {"$avg": "$arr_delay"},
                "worst_dep_delay": {"$max": "$dep_delay"},
            }
        },
        {"$sort": {"mean_dep_delay": -1, "_id": 1}},
        {"$lookup": {"from": "airlines", "localField": "_id", "foreignField": "_id", "as": "airline"}},
        {"$unwind": {"path": "$airline", "preserveNullAndEmptyArrays": True}},
        {
            "$project": {
                "_id": 0,
                "carrier": "$_id",
                "airline": {"$ifNull": ["$airline.name", None]},
                "flights": 1,
                "cancelled": 1,
                "mean_dep_delay": 1,
                "mean_arr_delay": 1,
                "worst_dep_delay": 1,
            }
        },
    ]

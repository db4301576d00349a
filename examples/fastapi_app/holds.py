"""Holding flights on the ground: all that are named, or none."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, status

from amongo import AsyncCollection
from amongo.integrations.fastapi import Transaction, collection

from .flights import Flights
from .models import Hold, NewHold

Holds = Annotated[AsyncCollection[dict[str, Any]], Depends(collection("holds"))]

router = APIRouter(prefix="/holds", tags=["holds"])


@router.post("", status_code=status.HTTP_201_CREATED)
async def hold(new: NewHold, flights: Flights, holds: Holds, session: Transaction) -> Hold:
    """Add to the delay of every flight, and keep a record of it.

    It is one transaction, committed before the answer is sent. A flight that does not exist undoes it all; two holds
    of the same flight at the same time are 503 for one of them, which can be sent again.
    """
    for flight in new.flights:
        held = await flights.update_one({"_id": flight}, {"$inc": {"dep_delay": new.minutes}}, session=session)
        if not held.matched_count:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no flight has the id {flight}: none was held")
    document = new.model_dump() | {"at": datetime.now(UTC)}
    await holds.insert_one(document, session=session)
    return Hold.model_validate(document)

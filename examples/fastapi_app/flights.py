"""Looking up, listing and changing flights."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, status
from pydantic import BaseModel
from pymongo import ReturnDocument
from pymongo.write_concern import WriteConcern

from amongo import AsyncCollection
from amongo.integrations.fastapi import ObjectIdField, collection

from .models import Carrier, Faa, Flight, FlightChange, FlightPage, Month, NewFlight

# A write through JournaledFlights is acknowledged when it is on the disk.
Flights = Annotated[AsyncCollection[dict[str, Any]], Depends(collection("flights"))]
JournaledFlights = Annotated[
    AsyncCollection[dict[str, Any]], Depends(collection("flights", write_concern=WriteConcern(w=1, j=True)))
]

router = APIRouter(prefix="/flights", tags=["flights"])

_NO_SUCH_FLIGHT = HTTPException(status.HTTP_404_NOT_FOUND, "no flight has this id")


class FlightQuery(BaseModel):
    """Which flights to list."""

    carrier: Carrier | None = None
    origin: Faa | None = None
    dest: Faa | None = None
    month: Month | None = None
    min_delay: Annotated[int | None, Query(description="minutes late at departure, at least")] = None
    after: Annotated[ObjectIdField | None, Query(description="the `next` of the page before")] = None
    size: Annotated[int, Query(ge=1, le=200)] = 20

    def filter(self) -> dict[str, Any]:
        """The MongoDB filter for it."""
        wanted: dict[str, Any] = self.model_dump(include={"carrier", "origin", "dest", "month"}, exclude_none=True)
        if self.min_delay is not None:
            wanted["dep_delay"] = {"$gte": self.min_delay}
        if self.after is not None:
            wanted["_id"] = {"$gt": self.after}
        return wanted


@router.get("")
async def list_flights(query: Annotated[FlightQuery, Query()], flights: Flights) -> FlightPage:
    """Flights that match, in the order of their ids, a page at a time."""
    # One more than the page holds tells whether there is a next page.
    found = await flights.find(query.filter()).sort("_id").limit(query.size + 1).to_list()
    page = found[: query.size]
    return FlightPage(
        flights=[Flight.model_validate(flight) for flight in page],
        next=page[-1]["_id"] if len(found) > query.size else None,
    )


@router.get("/{id}")
async def get_flight(id: ObjectIdField, flights: Flights) -> Flight:
    """One flight."""
    document = await flights.find_one({"_id": id})
    if document is None:
        raise _NO_SUCH_FLIGHT
    return Flight.model_validate(document)


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_flight(new: NewFlight, flights: JournaledFlights) -> Flight:
    """Add a flight. The answer comes when it is safe on the disk."""
    document = new.model_dump(exclude_none=True)
    await flights.insert_one(document)  # gives the document its _id
    return Flight.model_validate(document)


@router.patch("/{id}")
async def change_flight(id: ObjectIdField, change: FlightChange, flights: JournaledFlights) -> Flight:
    """Change some fields of a flight."""
    fields = change.model_dump(exclude_unset=True)
    update = {
        "$set": {name: value for name, value in fields.items() if value is not None},
        "$unset": {name: "" for name, value in fields.items() if value is None},
    }
    document = await flights.find_one_and_update({"_id": id}, update, return_document=ReturnDocument.AFTER)
    if document is None:
        raise _NO_SUCH_FLIGHT
    return Flight.model_validate(document)


@router.delete("/{id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_flight(id: ObjectIdField, flights: JournaledFlights) -> None:
    """Remove a flight."""
    result = await flights.delete_one({"_id": id})
    if not result.deleted_count:
        raise _NO_SUCH_FLIGHT

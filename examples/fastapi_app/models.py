"""What goes over the wire. Fields named `id` and `faa` are `_id` in the database."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from amongo.integrations.fastapi import ObjectIdField

Carrier = Annotated[str, Field(pattern="^[0-9A-Z]{2}$", examples=["UA"])]
Faa = Annotated[str, Field(pattern="^[0-9A-Z]{3}$", examples=["JFK"])]
Month = Annotated[int, Field(ge=1, le=12)]
DelayMinutes = Annotated[int, Field(ge=-24 * 60, le=7 * 24 * 60)]
ClockTime = Annotated[int, Field(ge=0, le=2400, description="hours and minutes of local time, as in 517 for 5:17")]


class NewFlight(BaseModel):
    """A flight as it is reported. A flight that did not leave has no times and no delays."""

    model_config = ConfigDict(extra="forbid")

    year: Annotated[int, Field(ge=1903, le=2100)]
    month: Month
    day: Annotated[int, Field(ge=1, le=31)]
    carrier: Carrier
    flight: Annotated[int, Field(ge=1, le=9999)]
    origin: Faa
    dest: Faa
    distance: Annotated[int, Field(ge=0, description="miles")]
    sched_dep_time: ClockTime
    sched_arr_time: ClockTime
    time_hour: datetime
    tailnum: Annotated[str, Field(max_length=10)] | None = None
    dep_time: ClockTime | None = None
    dep_delay: DelayMinutes | None = None
    arr_time: ClockTime | None = None
    arr_delay: DelayMinutes | None = None
    air_time: Annotated[int, Field(ge=0, description="minutes")] | None = None


class Flight(NewFlight):
    """A flight in the database."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[ObjectIdField, Field(validation_alias="_id")]


class FlightPage(BaseModel):
    """Some flights in the order of their ids; `next` is what to send as `after` for the following page."""

    flights: list[Flight]
    next: ObjectIdField | None


class FlightChange(BaseModel):
    """What may be changed of a flight. A field that is left out stays; one that is null is taken away."""

    model_config = ConfigDict(extra="forbid")

    tailnum: Annotated[str, Field(max_length=10)] | None = None
    dep_time: ClockTime | None = None
    dep_delay: DelayMinutes | None = None
    arr_time: ClockTime | None = None
    arr_delay: DelayMinutes | None = None
    air_time: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _must_change_something(self) -> "FlightChange":
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self


class NewHold(BaseModel):
    """Flights that wait on the ground."""

    model_config = ConfigDict(extra="forbid")

    flights: Annotated[list[ObjectIdField], Field(min_length=1, max_length=100)]
    minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    reason: Annotated[str, Field(max_length=100, examples=["thunderstorm"])]


class Hold(NewHold):
    """A hold in the database."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[ObjectIdField, Field(validation_alias="_id")]
    at: datetime


class Airport(BaseModel):
    """An airport in the database."""

    faa: Annotated[Faa, Field(validation_alias="_id")]
    name: str
    lat: float
    lon: float
    alt: Annotated[int, Field(description="feet")]
    tz: Annotated[int, Field(description="hours from UTC")]
    dst: str
    tzone: str | None = None


class CarrierDelays(BaseModel):
    """How late the flights of one airline were, in minutes; cancelled flights are counted apart."""

    carrier: Carrier
    airline: str | None
    flights: int
    cancelled: int
    mean_dep_delay: float | None
    mean_arr_delay: float | None
    worst_dep_delay: int | None


class Health(BaseModel):
    """Whether the service can answer, and how many flights it knows."""

    status: str
    flights: int

"""A service with Starlette alone, run by uvicorn in `test_starlette_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from amongo.integrations.starlette import (
    BsonResponse,
    ExtendedBsonResponse,
    get_client,
    get_collection,
    get_database,
    last_event_id,
    lifespan,
    sse,
)

NOTE_ID = ObjectId("65f0c0ffee0ddf00d0000001")


@asynccontextmanager
async def inner(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """The application's own lifespan: the client is open when it starts and until it ends."""
    notes = get_client(app).notebook.notes
    await notes.insert_one({"_id": NOTE_ID, "text": "first"})
    yield {"greeting": "hello"}
    await notes.count_documents({})
    app.state.has_ended_well = True


async def note(request: Request) -> Response:
    found = await get_collection(request, "notes").find_one({"_id": ObjectId(request.path_params["id"])})
    response = ExtendedBsonResponse if "extended" in request.query_params else BsonResponse
    return response(found, 200 if found else 404)


async def add(request: Request) -> Response:
    result = await get_collection(request, "notes").insert_one(await request.json())
    return BsonResponse({"id": result.inserted_id}, 201, headers={"x-added": "yes"})


async def feed(request: Request) -> Response:
    """All notes, from the one after the last that the client has seen."""
    last = last_event_id(request)
    wanted = {"_id": {"$gt": ObjectId(last)}} if last else {}
    return sse(get_collection(request, "notes").find(wanted).sort("_id"), event="note", retry_ms=10)


async def greeting(request: Request) -> Response:
    return PlainTextResponse(f"{request.state.greeting} from {get_database(request).name}")


routes = [
    Route("/notes/{id}", note),
    Route("/notes", add, methods=["POST"]),
    Route("/feed", feed),
    Route("/greeting", greeting),
]


def create_app(uri: str = "memory://") -> Starlette:
    mounted = Starlette(routes=[Route("/notes/{id}", note)])
    return Starlette(
        routes=[*routes, Mount("/mounted", mounted)],
        lifespan=lifespan(uri, database="notebook", inner=inner),
    )


app = create_app()

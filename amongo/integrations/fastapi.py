"""amongo in a FastAPI application.

    app = FastAPI(lifespan=lifespan("local://data/flights", database="nycflights"))
    Flights = Annotated[AsyncCollection, Depends(collection("flights"))]

    @app.get("/flights/{id}")
    async def flight(id: ObjectIdField, flights: Flights) -> BsonResponse:
        return BsonResponse(await flights.find_one({"_id": id}))

Everything of `amongo.integrations.starlette` is here as well. What FastAPI adds are the dependencies: `Client`,
`Database`, `Session`, `Transaction` and `ResumeToken` are ready to annotate a parameter with, `collection(name)` makes
one for a collection. All of them go through `get_client` and `get_database`, so that a test replaces the database of a
whole application with `app.dependency_overrides[get_database]`.
"""

import functools
from collections.abc import AsyncIterator, Callable
from inspect import iscoroutinefunction
from typing import Annotated, Any

from bson.errors import InvalidId
from bson.objectid import ObjectId
from fastapi import Depends
from fastapi.datastructures import DefaultPlaceholder
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute
from pydantic import GetPydanticSchema
from pydantic_core import core_schema
from starlette.responses import Response

from amongo.client import AsyncClientSession, AsyncCollection, AsyncDatabase, AsyncMongoClient
from amongo.integrations import starlette as web
from amongo.integrations.starlette import (
    BsonResponse,
    EventStreamResponse,
    ExtendedBsonResponse,
    document_id,
    last_event_id,
    lifespan,
    live_socket,
    resume_token,
    sse,
)
from amongo.integrations.transactions import in_transaction

__all__ = [
    "BsonResponse",
    "BsonRoute",
    "Client",
    "Database",
    "EventStreamResponse",
    "ExtendedBsonResponse",
    "ObjectIdField",
    "ResumeToken",
    "Session",
    "Transaction",
    "collection",
    "document_id",
    "get_client",
    "get_database",
    "get_resume_token",
    "get_session",
    "get_transaction",
    "last_event_id",
    "lifespan",
    "live_socket",
    "resume_token",
    "sse",
    "transaction",
]


def get_client(connection: HTTPConnection) -> AsyncMongoClient[dict[str, Any]]:
    """Dependency: the client that `lifespan` opened.

    errors   RuntimeError when no lifespan of amongo has run
    """
    return web.get_client(connection)


Client = Annotated[AsyncMongoClient[dict[str, Any]], Depends(get_client)]


def get_database(connection: HTTPConnection) -> AsyncDatabase[dict[str, Any]]:
    """Dependency: the database named in `lifespan`, or by its address.

    errors   RuntimeError without a lifespan, ConfigurationError when nothing names a database
    """
    return web.get_database(connection)


Database = Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]


def collection(name: str, **options: Any) -> Callable[..., AsyncCollection[dict[str, Any]]]:
    """A dependency that gives the collection `name` of the application's database.

    options   what `AsyncDatabase.get_collection` takes: codec_options, read_preference, write_concern, read_concern
    """

    def get_collection(database: Database) -> AsyncCollection[dict[str, Any]]:
        return database.get_collection(name, **options)

    return get_collection


async def get_session(client: Client) -> AsyncIterator[AsyncClientSession]:
    """Dependency: a session that ends with the request; pass it on as `session=`."""
    async with client.start_session() as session:
        yield session


Session = Annotated[AsyncClientSession, Depends(get_session)]


async def get_transaction(session: Session) -> AsyncIterator[AsyncClientSession]:
    """Dependency: a session in a transaction, committed before the response is sent.

    An exception in the endpoint, an HTTPException too, aborts it. An endpoint that returns an error response without
    raising commits, unless it has called `abort_transaction`.

    errors   HTTPException 503 with `Retry-After` when it met another transaction, in the endpoint or at the commit
    """
    async with in_transaction(session):
        yield session


Transaction = Annotated[AsyncClientSession, Depends(get_transaction, scope="function")]


def transaction(**options: Any) -> Any:
    """What `Transaction` is, with options: `Annotated[AsyncClientSession, transaction(write_concern=...)]`.

    It is the marker itself, not a function for `Depends`: with FastAPI's usual scope the answer would be sent before
    the commit.

    options   of `AsyncClientSession.start_transaction`
    """

    async def get_transaction_with_options(session: Session) -> AsyncIterator[AsyncClientSession]:
        async with in_transaction(session, **options):
            yield session

    return Depends(get_transaction_with_options, scope="function")


def get_resume_token(connection: HTTPConnection) -> dict[str, str] | None:
    """Dependency: where a client that connects again wants a change stream to go on; for `start_after=`."""
    return web.resume_token(connection)


ResumeToken = Annotated[dict[str, str] | None, Depends(get_resume_token)]


class BsonRoute(APIRoute):
    """A route whose endpoint may return documents as they come from the database.

    FastAPI's own serialization does not know ObjectId, Decimal128 and their kin. With
    `APIRouter(route_class=BsonRoute)`, what an endpoint returns goes to the route's `response_class` if that is a
    `BsonResponse`, and to `BsonResponse` if it is not. Nothing is validated on the way out: the return annotation is
    not looked at, and a `response_model` only feeds the OpenAPI schema. Responses pass as they are.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        chosen = options.get("response_class")
        response_class = chosen if isinstance(chosen, type) and issubclass(chosen, BsonResponse) else BsonResponse
        options["response_class"] = response_class
        if isinstance(options.get("response_model"), DefaultPlaceholder):
            options["response_model"] = None
        answered = _answering(endpoint, response_class, options.get("status_code") or 200)
        super().__init__(path, answered, **options)


_BODILESS = (204, 205, 304)


def _answering(
    endpoint: Callable[..., Any], response_class: type[BsonResponse], status_code: int
) -> Callable[..., Any]:
    """The endpoint, with its documents made responses; FastAPI still sees the endpoint's parameters."""

    def respond(content: Any) -> Response:
        if isinstance(content, Response):
            return content
        if status_code in _BODILESS:
            return Response(status_code=status_code)
        return response_class(content, status_code=status_code)

    @functools.wraps(endpoint)
    async def answer(*args: Any, **kwargs: Any) -> Response:
        return respond(await endpoint(*args, **kwargs))

    @functools.wraps(endpoint)
    def answer_blocking(*args: Any, **kwargs: Any) -> Response:
        return respond(endpoint(*args, **kwargs))

    return answer if iscoroutinefunction(endpoint) else answer_blocking


def _object_id(value: Any) -> ObjectId:
    try:
        return ObjectId(value)
    except (InvalidId, TypeError):
        raise ValueError("not an ObjectId: 24 hexadecimal digits") from None


def _object_id_schema(_source: Any, _handler: Any) -> core_schema.CoreSchema:
    text = core_schema.no_info_after_validator_function(_object_id, core_schema.str_schema(pattern="^[0-9a-fA-F]{24}$"))
    return core_schema.json_or_python_schema(
        json_schema=text,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(ObjectId), text]),
        serialization=core_schema.plain_serializer_function_ser_schema(
            str, return_schema=core_schema.str_schema(), when_used="json"
        ),
    )


ObjectIdField = Annotated[ObjectId, GetPydanticSchema(_object_id_schema)]
"""An ObjectId in a pydantic model, a path or a query: 24 hexadecimal digits outside, ObjectId inside, 422 otherwise."""

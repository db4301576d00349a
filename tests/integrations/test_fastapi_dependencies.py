"""FastAPI's dependencies, the route that writes documents, and ObjectIds in parameters and models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from bson import Decimal128, ObjectId
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field, ValidationError
from pymongo.write_concern import WriteConcern
from starlette.responses import PlainTextResponse

from amongo import AsyncCollection, AsyncMongoClient
from amongo.integrations.fastapi import (
    BsonResponse,
    BsonRoute,
    Client,
    Database,
    ExtendedBsonResponse,
    ObjectIdField,
    Session,
    Transaction,
    collection,
    get_client,
    get_database,
    lifespan,
)

pytestmark = pytest.mark.anyio

ID = ObjectId("65f0c0ffee0ddf00d0000001")
Orders = Annotated[AsyncCollection, Depends(collection("orders", write_concern=WriteConcern(w=1, j=True)))]


class Order(BaseModel):
    id: Annotated[ObjectIdField, Field(validation_alias="_id")]
    item: str


@asynccontextmanager
async def with_one_order(app: FastAPI) -> AsyncIterator[None]:
    from amongo.integrations.starlette import get_collection

    await get_collection(app, "orders").insert_one({"_id": ID, "item": "tea", "price": Decimal128("1.20")})
    yield


def create_app() -> FastAPI:
    app = FastAPI(lifespan=lifespan("memory://", database="shop", inner=with_one_order))

    @app.get("/names")
    async def names(client: Client, database: Database, orders: Orders) -> dict[str, Any]:
        return {
            "is_one_client": database.client is client and orders.database.client is client,
            "names": [database.name, orders.name],
            "is_journaled": orders.write_concern.document == {"w": 1, "j": True},
        }

    @app.get("/orders/{id}")
    async def order(id: ObjectIdField, orders: Orders) -> Order:
        found = await orders.find_one({"_id": id})
        if found is None:
            raise HTTPException(404)
        return Order.model_validate(found)

    @app.get("/session")
    async def session(session: Session, orders: Orders) -> dict[str, Any]:
        app.state.session = session
        return {"found": await orders.count_documents({}, session=session), "has_ended": session.has_ended}

    @app.post("/transaction")
    async def transaction(session: Transaction, orders: Orders, refuse: bool = False) -> dict[str, Any]:
        await orders.insert_one({"item": "coffee"}, session=session)
        if refuse:
            raise HTTPException(409)
        return {
            "inside": await orders.count_documents({}, session=session),
            "outside": await orders.count_documents({}),
        }

    router = APIRouter(route_class=BsonRoute, prefix="/raw")

    @router.get("/order", response_class=ExtendedBsonResponse)
    async def extended(orders: Orders) -> Any:
        return await orders.find_one({})

    @router.get("/orders", status_code=203)
    async def listed(orders: Orders, size: int = 5) -> list[dict[str, Any]]:
        return await orders.find({}).limit(size).to_list()

    @router.get("/blocking")
    def blocking() -> dict[str, ObjectId]:
        return {"_id": ID}

    @router.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("as it is")

    @router.delete("/order", status_code=204)
    async def remove(orders: Orders) -> None:
        await orders.delete_one({})

    app.include_router(router)

    @app.get("/response")
    async def response(orders: Orders) -> BsonResponse:
        return BsonResponse(await orders.find_one({}))

    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, while its lifespan runs."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        yield http


@pytest.fixture
def app() -> FastAPI:
    return create_app()


@pytest.fixture
async def http(app: FastAPI, anyio_backend: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as http:
        yield http


PLAIN = {"_id": str(ID), "item": "tea", "price": "1.20"}

ANSWERS: list[tuple[str, str, int, Any]] = [
    ("dependencies", "/names", 200, {"is_one_client": True, "names": ["shop", "orders"], "is_journaled": True}),
    ("model with an ObjectId", f"/orders/{ID}", 200, {"id": str(ID), "item": "tea"}),
    ("unknown ObjectId", f"/orders/{'0' * 24}", 404, {"detail": "Not Found"}),
    ("session", "/session", 200, {"found": 1, "has_ended": False}),
    ("response", "/response", 200, PLAIN),
    ("route: list", "/raw/orders", 203, [PLAIN]),
    ("route: parameters", "/raw/orders?size=1", 203, [PLAIN]),
    ("route: blocking endpoint", "/raw/blocking", 200, {"_id": str(ID)}),
    (
        "route: its own response class",
        "/raw/order",
        200,
        {"_id": {"$oid": str(ID)}, "item": "tea", "price": {"$numberDecimal": "1.20"}},
    ),
]


@pytest.mark.parametrize(("name", "path", "status", "expected"), ANSWERS, ids=[case[0] for case in ANSWERS])
async def test_answers(http: httpx.AsyncClient, name: str, path: str, status: int, expected: Any) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()) == (status, expected)


async def test_a_route_passes_responses_on(http: httpx.AsyncClient) -> None:
    assert (await http.get("/raw/text")).text == "as it is"


async def test_a_route_without_a_body(http: httpx.AsyncClient) -> None:
    removed = await http.delete("/raw/order")
    assert (removed.status_code, removed.content) == (204, b"")
    assert (await http.get("/response")).json() is None


@pytest.mark.parametrize("id", ["17", "x" * 24, "65f0c0ffee0ddf00d000000"])
async def test_a_bad_object_id_is_422(http: httpx.AsyncClient, id: str) -> None:
    assert (await http.get(f"/orders/{id}")).status_code == 422


async def test_the_session_ends_with_the_request(http: httpx.AsyncClient, app: FastAPI) -> None:
    await http.get("/session")
    assert app.state.session.has_ended


async def test_a_transaction_is_committed_or_aborted(http: httpx.AsyncClient) -> None:
    assert (await http.post("/transaction?refuse=true")).status_code == 409
    assert (await http.get("/raw/orders")).json() == [PLAIN]
    assert (await http.post("/transaction")).json() == {"inside": 2, "outside": 1}
    assert [order["item"] for order in (await http.get("/raw/orders")).json()] == ["tea", "coffee"]


async def test_openapi_shows_object_ids_as_strings(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()
    assert schema["components"]["schemas"]["Order"]["properties"]["id"]["type"] == "string"
    (parameter,) = schema["paths"]["/orders/{id}"]["get"]["parameters"]
    assert parameter["schema"]["pattern"] == "^[0-9a-fA-F]{24}$"


def test_object_ids_in_models() -> None:
    assert Order.model_validate({"_id": ID, "item": "tea"}).id is ID
    assert Order.model_validate_json(f'{{"_id": "{ID}", "item": "tea"}}').id == ID
    assert Order.model_validate({"_id": str(ID), "item": "tea"}).model_dump() == {"id": ID, "item": "tea"}
    with pytest.raises(ValidationError):
        Order.model_validate({"_id": 17, "item": "tea"})


async def test_tests_replace_the_database(http: httpx.AsyncClient, app: FastAPI) -> None:
    async with AsyncMongoClient("memory://") as client:
        app.dependency_overrides[get_client] = lambda: client
        app.dependency_overrides[get_database] = lambda: client.other
        assert (await http.get("/names")).json()["names"] == ["other", "orders"]
        assert (await http.get("/raw/orders")).json() == []


async def test_without_a_lifespan_the_error_says_what_to_do(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        with pytest.raises(RuntimeError, match="no open amongo client"):
            await http.get("/names")

"""A small shop written with Beanie, as its manual teaches, on embedded stores, where nothing but the client's import
differs, and over the wire with PyMongo's own client.

The collection-wide set-up (`init_beanie`) is part of every test: it creates the indexes, the view and the time series,
and looks at the server's version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("beanie", reason="Beanie is in the extra `dev`")

import pymongo
from beanie import (
    BackLink,
    BulkWriter,
    DecimalAnnotation,
    DeleteRules,
    Document,
    DocumentWithSoftDelete,
    Granularity,
    Indexed,
    Insert,
    Link,
    PydanticObjectId,
    TimeSeriesConfig,
    UnionDoc,
    View,
    WriteRules,
    before_event,
    init_beanie,
)
from beanie.exceptions import RevisionIdWasChanged
from beanie.operators import GTE, AddToSet, ElemMatch, In, Inc, Near, Or, Pop, Push, RegEx, Set, Text, Unset
from pydantic import BaseModel, Field
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from amongo import AsyncMongoClient
from tests.server.serving_process import served

START = datetime(2026, 1, 1, tzinfo=UTC)


class Point(BaseModel):
    type: str = "Point"
    coordinates: tuple[float, float]


class Shop(Document):
    name: Indexed(str, unique=True)
    place: Point
    orders: list[BackLink[Order]] = Field(default=[], json_schema_extra={"original_field": "shop"})

    class Settings:
        name = "shops"
        indexes = [[("place", pymongo.GEOSPHERE)]]


class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"


class Line(BaseModel):
    article: str
    n: int


class Order(Document):
    shop: Link[Shop]
    note: Indexed(str, index_type=pymongo.TEXT) = ""
    status: Status = Status.OPEN
    total: DecimalAnnotation = Decimal("0")
    lines: list[Line] = []
    tags: list[str] = []
    placed: datetime = START
    touched: int = 0

    @before_event(Insert)
    def count_touch(self) -> None:
        self.touched += 1

    class Settings:
        name = "orders"
        indexes = [
            IndexModel([("placed", pymongo.ASCENDING)], name="expiry", expireAfterSeconds=10**9),
            [("status", pymongo.ASCENDING), ("total", pymongo.DESCENDING)],
        ]


class Guarded(Document):
    n: int = 0

    class Settings:
        use_revision = True
        use_state_management = True


class Note(DocumentWithSoftDelete):
    text: str


class Takings(View):
    status: str = Field(alias="_id")
    total: DecimalAnnotation

    class Settings:
        source = Order
        name = "takings"
        pipeline = [{"$group": {"_id": "$status", "total": {"$sum": "$total"}}}, {"$sort": {"_id": 1}}]


class Reading(Document):
    at: datetime
    sensor: str
    value: float

    class Settings:
        timeseries = TimeSeriesConfig(time_field="at", meta_field="sensor", granularity=Granularity.minutes)


class Media(UnionDoc):
    class Settings:
        name = "media"


class Book(Document):
    pages: int

    class Settings:
        union_doc = Media


class Film(Document):
    minutes: int

    class Settings:
        union_doc = Media


class Vehicle(Document):
    wheels: int

    class Settings:
        is_root = True


class Lorry(Vehicle):
    tons: int


MODELS = [Shop, Order, Guarded, Note, Takings, Reading, Media, Book, Film, Vehicle, Lorry]
Test = Callable[[AsyncMongoClient[dict[str, Any]]], Awaitable[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served() as uri:
        yield uri


def in_shop(test: Test) -> Callable[[str, Path, pytest.FixtureRequest], None]:
    """Run the test on asyncio; the models are bound to a database in memory, on disk, and over the wire."""

    @pytest.mark.parametrize("kind", ["memory", "local", "wire"])
    def run(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        def opened() -> Any:
            if kind == "wire":
                return pymongo.AsyncMongoClient(request.getfixturevalue("server"), tz_aware=True)
            return AsyncMongoClient("memory://" if kind == "memory" else f"local://{tmp_path}/store", tz_aware=True)

        async def inside() -> None:
            async with opened() as client:
                await client.drop_database("shop")
                await init_beanie(database=client.shop, document_models=MODELS)
                await test(client)

        asyncio.run(inside())

    run.__name__ = test.__name__
    return run


async def _shops() -> list[Shop]:
    shops = [
        Shop(name="north", place=Point(coordinates=(13.40, 52.52))),
        Shop(name="south", place=Point(coordinates=(11.58, 48.14))),
    ]
    await Shop.insert_many(shops)
    return await Shop.find_all().sort("name").to_list()


async def _orders(shops: list[Shop]) -> None:
    for n in range(6):
        order = Order(
            shop=shops[n % 2],
            note=f"tea number {n}",
            status=Status.PAID if n % 3 else Status.OPEN,
            total=Decimal(n) / 2,
            lines=[Line(article="tea", n=n), Line(article="cup", n=1)],
            placed=START + timedelta(days=n),
        )
        await order.insert()


@in_shop
async def test_indexes_are_those_of_the_models(client: AsyncMongoClient[dict[str, Any]]) -> None:
    orders = await client.shop.orders.index_information()
    assert orders["expiry"] == {"key": [("placed", 1)], "v": 2, "expireAfterSeconds": 10**9}
    assert orders["status_1_total_-1"]["key"] == [("status", 1), ("total", -1)]
    assert orders["note_text"]["weights"] == {"note": 1}
    shops = await client.shop.shops.index_information()
    assert shops["name_1"]["unique"] is True
    assert shops["place_2dsphere"]["2dsphereIndexVersion"] == 3
    await _shops()
    with pytest.raises(DuplicateKeyError):
        await Shop(name="north", place=Point(coordinates=(0, 0))).insert()


@in_shop
async def test_finding(client: AsyncMongoClient[dict[str, Any]]) -> None:
    shops = await _shops()
    await _orders(shops)
    paid = await Order.find(Order.status == Status.PAID, GTE(Order.total, 1)).sort(-Order.total).limit(2).to_list()
    assert [order.total for order in paid] == [Decimal("2.5"), Decimal("2")]
    assert all(order.touched == 1 and order.placed.tzinfo for order in paid)
    assert await Order.find(Or(Order.total == Decimal("0"), Order.total == Decimal("2.5"))).count() == 2
    assert await Order.find(ElemMatch(Order.lines, {"article": "tea", "n": {"$gt": 3}})).count() == 2
    assert await Order.find(RegEx(Order.note, "number [0-2]$")).skip(1).count() == 2
    assert await Order.find(In(Order.status, [Status.OPEN])).exists()
    assert await Order.distinct("status") == ["open", "paid"]
    found = await Order.find(Text("number")).to_list()
    assert len(found) == 6
    near = await Shop.find(Near(Shop.place, 13.0, 52.0, max_distance=200_000)).to_list()
    assert [shop.name for shop in near] == ["north"]

    class Brief(BaseModel):
        note: str

    brief = await Order.find_all().sort("+total").project(Brief).first_or_none()
    assert brief == Brief(note="tea number 0")
    async for order in Order.find(Order.status == Status.OPEN):
        assert order.status is Status.OPEN
    assert await Order.get(PydanticObjectId()) is None


@in_shop
async def test_links(client: AsyncMongoClient[dict[str, Any]]) -> None:
    shops = await _shops()
    await _orders(shops)
    order = await Order.find(Order.shop.id == shops[1].id).sort("total").first_or_none()
    assert order is not None
    assert isinstance(order.shop, Link)
    await order.fetch_all_links()
    assert order.shop.name == "south"
    prefetched = await Order.find(Order.shop.name == "north", fetch_links=True).sort("total").to_list()
    assert [(each.shop.name, each.total) for each in prefetched] == [("north", n) for n in (0, 1, 2)]
    north = await Shop.find_one(Shop.name == "north", fetch_links=True)
    assert north is not None
    assert sorted(each.total for each in north.orders) == [0, 1, 2]
    written = Order(shop=Shop(name="west", place=Point(coordinates=(6.9, 50.9))))
    await written.insert(link_rule=WriteRules.WRITE)
    assert await Shop.find(Shop.name == "west").count() == 1
    await written.delete(link_rule=DeleteRules.DELETE_LINKS)
    assert await Shop.find(Shop.name == "west").count() == 0


@in_shop
async def test_updating(client: AsyncMongoClient[dict[str, Any]]) -> None:
    shops = await _shops()
    await _orders(shops)
    order = await Order.find_one(Order.note == "tea number 1")
    assert order is not None
    await order.update(Set({Order.status: Status.OPEN}), Inc({Order.touched: 4}), Push({Order.tags: "new"}))
    assert (order.status, order.touched, order.tags) == (Status.OPEN, 5, ["new"])
    await order.update(AddToSet({Order.tags: "new"}))
    await order.update(AddToSet({Order.tags: "old"}))
    await order.update(Pop({Order.tags: -1}))
    assert order.tags == ["old"]
    result = await Order.find(Order.status == Status.PAID).update(Set({Order.status: Status.OPEN}))
    assert (result.matched_count, result.modified_count) == (3, 3)
    await Order.find_all().update(Unset({"note": ""}))
    assert await Order.find(Order.note == "tea number 2").count() == 0
    upserted = await Shop.find_one(Shop.name == "east").upsert(
        Set({Shop.name: "x"}), on_insert=Shop(name="east", place=Point(coordinates=(14.0, 51.0)))
    )
    assert upserted.name == "east"
    order.note = "replaced"
    await order.replace()
    assert (await Order.get(order.id)).note == "replaced"
    assert (await Order.find(Order.touched == 1).delete()).deleted_count == 5


@in_shop
async def test_aggregation_and_views(client: AsyncMongoClient[dict[str, Any]]) -> None:
    await _orders(await _shops())

    class Sum(BaseModel):
        id: str = Field(alias="_id")
        articles: int

    pipeline = [
        {"$unwind": "$lines"},
        {"$group": {"_id": "$lines.article", "articles": {"$sum": "$lines.n"}}},
        {"$sort": {"_id": 1}},
    ]
    sums = await Order.find(Order.status == Status.PAID).aggregate(pipeline, projection_model=Sum).to_list()
    assert [(each.id, each.articles) for each in sums] == [("cup", 4), ("tea", 12)]
    assert await Order.find_all().sum("touched") == 6
    assert await Order.find_all().avg(Order.touched) == 1
    takings = await Takings.find_all().to_list()
    assert [(each.status, each.total) for each in takings] == [("open", Decimal("1.5")), ("paid", Decimal("6"))]


@in_shop
async def test_bulk_writer(client: AsyncMongoClient[dict[str, Any]]) -> None:
    shops = await _shops()
    async with BulkWriter() as writer:
        for n in range(5):
            await Order.insert_one(Order(shop=shops[0], note=str(n)), bulk_writer=writer)
        await Order.find_one(Order.note == "1").update(Set({Order.touched: 9}), bulk_writer=writer)
        await Order.find_one(Order.note == "2").delete(bulk_writer=writer)
        assert await Order.count() == 0
    assert await Order.count() == 4
    assert await Order.find(Order.touched == 9).count() == 1


@in_shop
async def test_revisions_and_state(client: AsyncMongoClient[dict[str, Any]]) -> None:
    guarded = Guarded()
    await guarded.insert()
    other = await Guarded.get(guarded.id)
    guarded.n = 1
    assert guarded.is_changed
    await guarded.save_changes()
    other.n = 2
    with pytest.raises(RevisionIdWasChanged):
        await other.save_changes()
    await other.save_changes(ignore_revision=True)
    assert (await Guarded.get(guarded.id)).n == 2


@in_shop
async def test_soft_delete(client: AsyncMongoClient[dict[str, Any]]) -> None:
    note = Note(text="a")
    await note.insert()
    await note.delete()
    assert note.is_deleted()
    assert await Note.find_all().to_list() == []
    assert await Note.find_many_in_all().count() == 1
    other = Note(text="b")
    await other.insert()
    await other.hard_delete()
    assert await client.shop.Note.distinct("text") == ["a"]


@in_shop
async def test_several_models_in_one_collection(client: AsyncMongoClient[dict[str, Any]]) -> None:
    await Book(pages=7).insert()
    await Film(minutes=90).insert()
    assert {type(each) for each in await Media.all().to_list()} == {Book, Film}
    assert await client.shop.media.distinct("_class_id") == ["Book", "Film"]
    await Vehicle(wheels=2).insert()
    await Lorry(wheels=6, tons=8).insert()
    everything = await Vehicle.find(with_children=True).sort("wheels").to_list()
    assert [type(each) for each in everything] == [Vehicle, Lorry]
    assert await Vehicle.find(Vehicle.wheels > 2, with_children=True).count() == 1
    assert await Lorry.find_all().count() == 1


@in_shop
async def test_time_series(client: AsyncMongoClient[dict[str, Any]]) -> None:
    readings = [Reading(at=START + timedelta(minutes=n), sensor="ab"[n % 2], value=n) for n in range(4)]
    await Reading.insert_many(readings)
    (options,) = [each["options"] async for each in await client.shop.list_collections(filter={"name": "Reading"})]
    assert options["timeseries"]["granularity"] == "minutes"
    found = await Reading.find(Reading.sensor == "a").sort("at").to_list()
    assert [reading.value for reading in found] == [0, 2]


@in_shop
async def test_sessions_and_transactions(client: AsyncMongoClient[dict[str, Any]]) -> None:
    async with client.start_session() as session:
        await Note(text="in a session").insert(session=session)
        assert await Note.find_all(session=session).count() == 1
        async with await session.start_transaction():
            await Note(text="in a transaction").insert(session=session)
            assert await Note.find_all(session=session).count() == 2
            assert await Note.find_all().count() == 1
        with pytest.raises(DuplicateKeyError):
            async with await session.start_transaction():
                await Note(text="gone").insert(session=session)
                (first, *_) = await Note.find_all(session=session).to_list()
                await first.model_copy(update={"text": "twice"}).insert(session=session)
    assert {note.text for note in await Note.find_all().to_list()} == {"in a session", "in a transaction"}


def test_what_one_process_wrote_another_reads(tmp_path: Path) -> None:
    async def write() -> PydanticObjectId:
        async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
            await init_beanie(database=client.shop, document_models=MODELS)
            shops = await _shops()
            return shops[0].id

    async def read(identity: PydanticObjectId) -> str:
        async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
            await init_beanie(database=client.shop, document_models=MODELS)
            return (await Shop.get(identity)).name

    assert asyncio.run(read(asyncio.run(write()))) == "north"

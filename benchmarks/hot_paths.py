"""The hot-path budgets of the client design, as multiples of what the C codec needs for the same documents.

Each path is a class: `prepare` fills the collection, `verify` proves that it answers rightly, `operation` is one
timing's work through the client and `limit` the same documents through `bson.encode` and `bson.decode` alone.
"""

from typing import ClassVar, Final

import bson

from benchmarks.documents import Document, people
from benchmarks.rounds import compare
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Collection, fresh_client

SECTION: Final = "hot-paths"
_STORED: Final = 1_000


class HotPath:
    """One operation against its codec limit.

    name       the row's name
    limit_name what the limit is made of
    ceiling    the budget, in multiples of the limit
    units      operations or documents in one timing
    rounds     how many timings
    """

    name: ClassVar[str]
    limit_name: ClassVar[str]
    ceiling: ClassVar[float]

    def __init__(self, collection: Collection, sizes: Sizes) -> None:
        self.collection = collection
        self.sizes = sizes
        self.units = sizes.hot_operations
        self.rounds = sizes.rounds

    async def prepare(self) -> None:
        """Fill the collection with what the path reads; nothing by default."""

    async def verify(self) -> None:
        """Run the operation a few times and compare with what it must give. Errors: WrongAnswer."""
        raise NotImplementedError

    def before_operation(self) -> None:
        """Make what one timing consumes; not timed."""

    async def operation(self) -> object:
        """One timing's work through the client."""
        raise NotImplementedError

    def limit(self) -> object:
        """The same work, codec alone."""
        raise NotImplementedError


class FindOne(HotPath):
    """`find_one({"_id": x})` over a thousand stored documents, in a scattered order; the limit decodes each."""

    name, limit_name, ceiling = "find_one by _id", "decode", 2.0

    async def prepare(self) -> None:
        self.stored = people(min(_STORED, self.sizes.list_documents))
        await self.collection.insert_many(self.stored)
        order = [(turn * 7919) % len(self.stored) for turn in range(self.units)]
        self.keys = [self.stored[at]["_id"] for at in order]
        self.raws = [bson.encode(self.stored[at]) for at in order]

    async def verify(self) -> None:
        for document in self.stored:
            found = await self.collection.find_one({"_id": document["_id"]})
            expect(_bytes(found), bson.encode(document), "find_one by _id")
        expect(await self.collection.find_one({"_id": bson.ObjectId()}), None, "find_one of no document")

    async def operation(self) -> None:
        find_one = self.collection.find_one
        for key in self.keys:
            await find_one({"_id": key})

    def limit(self) -> None:
        decode = bson.decode
        for raw in self.raws:
            decode(raw)


class InsertOne(HotPath):
    """`insert_one` of a document that gets its `_id` from the client; the limit encodes it, `_id` included."""

    name, limit_name, ceiling = "insert_one", "encode", 4.5

    async def verify(self) -> None:
        for document in people(20, with_id=False):
            result = await self.collection.insert_one(document)
            expect(result.inserted_id, document["_id"], "inserted_id")
            found = await self.collection.find_one({"_id": result.inserted_id})
            expect(_bytes(found), bson.encode(document), "inserted document")

    def before_operation(self) -> None:
        self.documents = people(self.units, with_id=False)
        self.encodable = people(self.units)

    async def operation(self) -> None:
        insert_one = self.collection.insert_one
        for document in self.documents:
            await insert_one(document)

    def limit(self) -> None:
        encode = bson.encode
        for document in self.encodable:
            encode(document)


class InsertMany(HotPath):
    """`insert_many` of a thousand documents that have their `_id`; the limit encodes each."""

    name, limit_name, ceiling = "insert_many(1000), a document", "encode", 1.6
    with_id: ClassVar[bool] = True

    def __init__(self, collection: Collection, sizes: Sizes) -> None:
        super().__init__(collection, sizes)
        self.units = sizes.batch_documents
        self.rounds = sizes.batch_rounds

    async def verify(self) -> None:
        documents = people(50, with_id=self.with_id)
        result = await self.collection.insert_many(documents)
        expect(result.inserted_ids, [document["_id"] for document in documents], "inserted_ids")
        found = await self.collection.find({"_id": {"$in": result.inserted_ids}}).to_list()
        stored = {document["_id"]: _bytes(document) for document in found}
        expect(stored, {document["_id"]: bson.encode(document) for document in documents}, "inserted documents")

    def before_operation(self) -> None:
        self.batch = people(self.units, with_id=self.with_id)
        self.encodable = people(self.units)

    async def operation(self) -> None:
        await self.collection.insert_many(self.batch)

    def limit(self) -> list[bytes]:
        encode = bson.encode
        return [encode(document) for document in self.encodable]


class InsertManyWithoutId(InsertMany):
    """The same where the client makes the `_id`s: an ObjectId in Python for each is part of it."""

    name = "insert_many(1000) without _id, a document"
    with_id = False


class UpdateOne(HotPath):
    """`update_one` by `_id` with `$set` and `$inc`; the limit decodes the document and encodes it."""

    name, limit_name, ceiling = "update_one by _id, $set and $inc", "decode + encode", 3.0

    async def prepare(self) -> None:
        self.stored = people(min(_STORED, self.sizes.list_documents))
        await self.collection.insert_many(self.stored)
        order = [(turn * 7919) % len(self.stored) for turn in range(self.units)]
        self.keys = [self.stored[at]["_id"] for at in order]
        self.raws = [bson.encode(self.stored[at]) for at in order]

    async def verify(self) -> None:
        document: Document = self.stored[0]
        key = {"_id": document["_id"]}
        result = await self.collection.update_one(key, {"$set": {"name": "Ada King"}, "$inc": {"visits": 1}})
        expect((result.matched_count, result.modified_count), (1, 1), "update_one's counts")
        expected = {**document, "name": "Ada King", "visits": bson.Int64(document["visits"] + 1)}
        expect(_bytes(await self.collection.find_one(key)), bson.encode(expected), "updated document")
        result = await self.collection.update_one({"_id": bson.ObjectId()}, {"$set": {"name": "nobody"}})
        expect((result.matched_count, result.modified_count), (0, 0), "update_one of no document")

    async def operation(self) -> None:
        update_one = self.collection.update_one
        for turn, key in enumerate(self.keys):
            await update_one({"_id": key}, {"$set": {"age": turn}, "$inc": {"visits": 1}})

    def limit(self) -> None:
        decode, encode = bson.decode, bson.encode
        for raw in self.raws:
            encode(decode(raw))


class ToList(HotPath):
    """`find().to_list()` of ten thousand documents; the limit decodes each and keeps them in a list."""

    name, limit_name, ceiling = "find().to_list() of 10,000, a document", "decode", 1.2

    def __init__(self, collection: Collection, sizes: Sizes) -> None:
        super().__init__(collection, sizes)
        self.units = sizes.list_documents
        self.rounds = sizes.batch_rounds

    async def prepare(self) -> None:
        self.stored = people(self.units)
        await self.collection.insert_many(self.stored)
        self.raws = [bson.encode(document) for document in self.stored]

    async def verify(self) -> None:
        found = await self.collection.find().to_list()
        expect(len(found), len(self.stored), "length of to_list")
        expect([_bytes(document) for document in found], self.raws, "to_list in natural order")

    async def operation(self) -> list[Document]:
        found: list[Document] = await self.collection.find().to_list()
        return found

    def limit(self) -> list[Document]:
        decode = bson.decode
        return [decode(raw) for raw in self.raws]


HOT_PATHS: Final[tuple[type[HotPath], ...]] = (FindOne, InsertOne, InsertMany, InsertManyWithoutId, UpdateOne, ToList)


async def run(sizes: Sizes, parent: str | None = None, only: str | None = None) -> list[Row]:
    """Measure every hot path on both kinds of store.

    sizes    how much
    parent   where local stores are made
    only     keep the paths whose name contains this
    result   one row a path and store
    """
    paths = [path for path in HOT_PATHS if only is None or only in path.name]
    return [await measure(path, store, sizes, parent) for path in paths for store in BOTH]


async def measure(path: type[HotPath], store: str, sizes: Sizes, parent: str | None = None) -> Row:
    """Verify one path on a fresh store, then time it. A wrong answer or an exception becomes a row that failed."""
    budget = Budget(path.ceiling)
    try:
        async with fresh_client(store, parent) as client:
            hot = path(client["bench"]["people"], sizes)
            await hot.prepare()
            await hot.verify()
            compared = await compare(
                operation=hot.operation,
                limit=hot.limit,
                before_operation=hot.before_operation,
                units=hot.units,
                rounds=hot.rounds,
            )
    except Exception as error:
        return Row(SECTION, path.name, store, None, "x", budget, failure=failure_text(error))
    return Row(SECTION, path.name, store, compared.ratio, "x", budget, compared.note(path.limit_name))


def _bytes(document: Document | None) -> bytes | None:
    """A document as BSON: equality of type, value and order at once."""
    return None if document is None else bson.encode(document)

"""A million documents: what an index finds, what a unique index costs, and what a store on disk asks for.

A look-up by index gives 20 documents; it is held against twice the decoding of the same 20 and 60 µs, in the same
round. On `local://` the store is opened anew before, so that it answers from its files. The rows of the store on disk
are in `scale_stores`.
"""

import statistics
from dataclasses import dataclass
from typing import Any, Final

import bson

from benchmarks import scale_stores
from benchmarks.documents import Document, person
from benchmarks.rounds import Comparison, compare, compare_operations
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.scale_stores import FOUND, SECTION, fill, ranked
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, LOCAL, Collection, fresh_client, fresh_directory, open_client, store_uri

_BESIDE_DECODING_NS: Final = 60_000
_LOOK_UP: Final = Budget(1.0)
_UNIQUE: Final = Budget(1.5)
_PRIME: Final = 10_000_019  # more than any count of documents: numbers times it, modulo it, never meet


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Look-ups by index and inserts under a unique index on both kinds of store, then the store on disk."""
    rows: list[Row] = []
    for store in BOTH:
        rows += await look_ups(store, sizes, parent)
    rows += [await unique_insert(store, sizes, parent) for store in BOTH]
    return rows + await scale_stores.run(sizes, parent)


# Look-ups


@dataclass(frozen=True, slots=True)
class LookUp:
    """Filters of one kind, and what they find.

    name      the row's name
    filters   one a unit of work
    found     the documents of each
    """

    name: str
    filters: list[dict[str, Any]]
    found: list[list[Document]]


async def look_ups(store: str, sizes: Sizes, parent: str | None = None) -> list[Row]:
    """An equality and a range, each on an index of its own; one row each."""
    with fresh_directory(parent) as directory:
        uri = store_uri(store, directory)
        client = open_client(uri)
        try:
            await fill(client["bench"]["ranked"], sizes.scale_documents, ["group", "rank"])
            if store == LOCAL:
                await client.close()
                client = open_client(uri)
            coll = client["bench"]["ranked"]
            return [await _look_up(coll, each, store, sizes) for each in _look_ups(sizes)]
        except Exception as error:
            return [_failed("look-ups by index", store, "share", _LOOK_UP, error)]
        finally:
            await client.close()


def _look_ups(sizes: Sizes) -> list[LookUp]:
    count = sizes.scale_documents
    groups = [(turn * 7919) % (count // FOUND) for turn in range(sizes.hot_operations)]
    by_group: dict[int, list[Document]] = {group: [] for group in groups}
    by_rank: dict[int, Document] = {}
    lowest = [group * FOUND for group in groups]
    wanted = {low + place for low in lowest for place in range(FOUND)}
    for number in range(count):
        document = ranked(number, count)
        if document["group"] in by_group:
            by_group[document["group"]].append(document)
        if document["rank"] in wanted:
            by_rank[document["rank"]] = document
    return [
        LookUp("equality", [{"group": group} for group in groups], [by_group[group] for group in groups]),
        LookUp(
            "range",
            [{"rank": {"$gte": low, "$lt": low + FOUND}} for low in lowest],
            [[by_rank[low + place] for place in range(FOUND)] for low in lowest],
        ),
    ]


async def _look_up(coll: Collection, look_up: LookUp, store: str, sizes: Sizes) -> Row:
    name = f"{look_up.name} on an index, {FOUND} of {sizes.scale_documents:,}"
    raws = [bson.encode(document) for documents in look_up.found for document in documents]
    try:
        for filter, documents in zip(look_up.filters, look_up.found, strict=True):
            found = await coll.find(filter).to_list()
            expect(
                sorted(bson.encode(document) for document in found),
                sorted(bson.encode(document) for document in documents),
                f"documents of {filter}",
            )

        async def operation() -> None:
            for filter in look_up.filters:
                await coll.find(filter).to_list()

        def limit() -> None:
            decode = bson.decode
            for raw in raws:
                decode(raw)

        compared = await compare(
            operation=operation,
            limit=limit,
            before_operation=lambda: None,
            units=len(look_up.filters),
            rounds=sizes.scale_rounds,
        )
    except Exception as error:
        return _failed(name, store, "share", _LOOK_UP, error)
    return Row(
        SECTION,
        name,
        store,
        _share(compared),
        "share",
        _LOOK_UP,
        compared.note(f"decoding the {FOUND}"),
    )


def _share(compared: Comparison) -> float:
    """The median share that look-ups take of what they may."""
    return statistics.median(
        mine / (2 * least + _BESIDE_DECODING_NS)
        for mine, least in zip(compared.operation_ns, compared.limit_ns, strict=True)
    )


# Inserts


async def unique_insert(store: str, sizes: Sizes, parent: str | None = None) -> Row:
    """`insert_one` into a collection with a unique index against the same without; both hold the documents."""
    name = f"insert_one under a unique index, {sizes.scale_documents:,}, against without"
    try:
        async with fresh_client(store, parent) as client:
            database = client["bench"]
            for start in range(0, sizes.scale_documents, sizes.load_chunk):
                numbers = range(start, min(start + sizes.load_chunk, sizes.scale_documents))
                for coll in (database["unique"], database["plain"]):
                    await coll.insert_many([_member(number) for number in numbers])
            await database["unique"].create_index("email", unique=True)
            await _verify_unique(database["unique"], sizes.scale_documents)
            compared = await _compare_inserts(database["unique"], database["plain"], sizes)
            count = await database["unique"].count_documents({})
            expect(count, await database["plain"].count_documents({}), "documents in both collections")
    except Exception as error:
        return _failed(name, store, "x", _UNIQUE, error)
    return Row(SECTION, name, store, compared.ratio, "x", _UNIQUE, compared.note("without"))


def _member(number: int) -> Document:
    """The ten-field document, of which the next one's `email` lies far away."""
    return {**person(number), "email": f"{number * 7919 % _PRIME:08}@example.org"}


async def _verify_unique(coll: Collection, count: int) -> None:
    from pymongo.errors import DuplicateKeyError

    try:
        await coll.insert_one(_member(count // 2))
    except DuplicateKeyError:
        expect(await coll.count_documents({}), count, "documents after a refused one")
    else:
        expect("taken", "refused", "a second document of one key")


async def _compare_inserts(unique: Collection, plain: Collection, sizes: Sizes) -> Comparison:
    units = sizes.hot_operations
    made = sizes.scale_documents
    batches: dict[str, list[Document]] = {}

    def before_operation() -> None:
        nonlocal made
        for name in ("unique", "plain first", "plain second"):
            batches[name] = [_member(number) for number in range(made, made + units)]
        made += units

    async def operation() -> None:
        for document in batches["unique"]:
            await unique.insert_one(document)

    async def other() -> None:
        batch = batches.pop("plain first", None) or batches["plain second"]
        for document in batch:
            await plain.insert_one(document)

    return await compare_operations(
        operation=operation, other=other, before_operation=before_operation, units=units, rounds=sizes.scale_rounds
    )


def _failed(name: str, store: str, unit: str, budget: Budget, error: Exception) -> Row:
    return Row(SECTION, name, store, None, unit, budget, failure=failure_text(error))

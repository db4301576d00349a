"""`insert_many` of real documents against encoding and writing the same documents in the same chunks.

Chunk by chunk the two alternate: the store takes a chunk through `insert_many`; a plain file takes the same documents
through `bson.encode`, one join and one `write`. The share of the plain rate that the store keeps is the value. On
`memory://` the plain side joins and keeps the bytes, as there is nothing to write to.

Documents come as from a file: a chunk is made, loaded and forgotten. A caller who keeps all of them pays more, as with
any driver that gives ids: from then on Python's garbage collector looks through each document again and again, since
an ObjectId is what it has to look after. That is shown beside it, and has no budget.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import bson

from benchmarks.documents import Document, flights, flights_source
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, LOCAL, Collection, fresh_client, fresh_directory

SECTION: Final = "bulk-load"
_LEAST_SHARE: Final = Budget(0.60, is_ceiling=False)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Load the flights into both kinds of store; two rows each."""
    return [await measure(store, sizes, parent, is_kept=is_kept) for store in BOTH for is_kept in (False, True)]


async def measure(store: str, sizes: Sizes, parent: str | None = None, *, is_kept: bool = False) -> Row:
    """Load `sizes.load_documents` flights in chunks; a wrong answer or an exception becomes a row that failed.

    is_kept   the caller keeps all documents
    """
    name = "… that the caller keeps" if is_kept else f"insert_many of {sizes.load_documents:,} flights"
    budget = None if is_kept else _LEAST_SHARE
    try:
        rows = flights(sizes.load_documents)
        async with fresh_client(store, parent) as client:
            await _verify(client["bench"]["sample"], rows[: sizes.load_chunk])
            kept: list[list[Document]] | None = [] if is_kept else None
            with _long_lived(), _sink(store, parent) as write:
                mine, plain = await _load(client["bench"]["flights"], rows, sizes.load_chunk, write, kept)
            expect(await client["bench"]["flights"].count_documents({}), len(rows), "documents after the load")
    except Exception as error:
        return Row(SECTION, name, store, None, "share", budget, failure=failure_text(error))
    rates = f"{len(rows) / mine:,.0f} documents/s, encode + write {len(rows) / plain:,.0f}/s"
    note = f"{rates}, chunks of {sizes.load_chunk:,}, {flights_source()}"
    return Row(SECTION, name, store, plain / mine, "share", budget, note)


async def _verify(collection: Collection, documents: list[Document]) -> None:
    copies = [dict(document) for document in documents]
    await collection.insert_many(copies)
    found = await collection.find().to_list()
    expect([bson.encode(document) for document in found], [bson.encode(document) for document in copies], "flights")


async def _load(
    collection: Collection,
    rows: list[Document],
    chunk: int,
    write: Callable[[bytes], object],
    kept: list[list[Document]] | None,
) -> tuple[float, float]:
    """Seconds in `insert_many`, seconds in encode and write; what is loaded is added to `kept`."""
    mine = plain = 0.0
    for turn, start in enumerate(range(0, len(rows), chunk)):
        part = [dict(row) for row in rows[start : start + chunk]]
        if kept is not None:
            kept.append(part)
        encodable = [{"_id": bson.ObjectId(), **document} for document in part]
        if turn % 2:
            plain += _encode_and_write(encodable, write)
        began = time.perf_counter()
        await collection.insert_many(part)
        mine += time.perf_counter() - began
        if not turn % 2:
            plain += _encode_and_write(encodable, write)
    return mine, plain


def _encode_and_write(documents: list[Document], write: Callable[[bytes], object]) -> float:
    began = time.perf_counter()
    encode = bson.encode
    write(b"".join([encode(document) for document in documents]))
    return time.perf_counter() - began


@contextmanager
def _sink(store: str, parent: str | None) -> Iterator[Callable[[bytes], object]]:
    """Where the plain side writes: an append-only file beside the store's, or a list."""
    if store != LOCAL:
        kept: list[bytes] = []
        yield kept.append
        return
    with fresh_directory(parent) as directory:
        descriptor = os.open(Path(directory) / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            yield lambda raw: os.write(descriptor, raw)
        finally:
            os.close(descriptor)


@contextmanager
def _long_lived() -> Iterator[None]:
    """Take what is alive now, the rows to load above all, out of the collector's rounds for a while."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

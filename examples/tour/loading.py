"""Bringing the data in, with the client directly: a store has one owner, and the service is not started yet."""

from dataclasses import dataclass
from time import perf_counter

from amongo import AsyncMongoClient
from examples.tour import dataset
from examples.tour.screen import Screen, check

BATCH_DOCUMENTS = 2000


@dataclass(frozen=True)
class Loaded:
    """How many documents came in, in how many seconds."""

    documents: int
    seconds: float


async def load(uri: str, database: str, screen: Screen) -> Loaded:
    """Insert all tables into the store at `uri`, which is empty.

    errors   StepFailed when a collection does not hold what was inserted
    """
    frames = {table.name: dataset.frame(table.name) for table in dataset.TABLES}
    started = perf_counter()
    client: AsyncMongoClient[dataset.Document] = AsyncMongoClient(uri)
    async with client:
        with screen.progress() as progress:
            for table in dataset.TABLES:
                rows = len(frames[table.name])
                collection = client[database][table.name]
                task = progress.add_task(table.name, total=rows, rate="")
                began = perf_counter()
                count = 0
                for batch in dataset.batches(table, BATCH_DOCUMENTS):
                    result = await collection.insert_many(batch)
                    count += len(result.inserted_ids)
                    rate = f"{count / (perf_counter() - began):,.0f} documents/s"
                    progress.update(task, completed=count, rate=rate)
                stored = await collection.estimated_document_count()  # exact in an embedded store
                check(stored == count == rows, f"{table.name} holds {stored} documents, not {rows}")
    return Loaded(sum(len(rows) for rows in frames.values()), perf_counter() - started)

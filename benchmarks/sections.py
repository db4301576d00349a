"""The sections of a run, in the order of the report."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from benchmarks import (
    aggregation,
    bulk_load,
    change_streams,
    columns,
    forks,
    group_commit,
    hot_paths,
    live_queries,
    loop_lag,
    matching,
    peers,
    questions,
    scale,
    transactions,
    wire,
)
from benchmarks.rows import Row
from benchmarks.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    name    as `--only` takes it
    title   as the table is headed
    story   what is measured and how, for the page in docs
    run     (sizes, parent directory) -> rows
    """

    name: str
    title: str
    story: str
    run: Callable[[Sizes, str | None], Awaitable[list[Row]]]


SECTIONS: Final = (
    Section(
        hot_paths.SECTION,
        "Hot paths, as multiples of the C BSON codec",
        "One task, the ten-field document (274 bytes: strings, int32, int64, double, boolean, date, an array, an "
        "embedded document). A value of 2 x means: the call takes twice as long as `bson.decode` or `bson.encode` of "
        "the same documents, timed in the same round. The value is the median of the rounds' ratios.",
        hot_paths.run,
    ),
    Section(
        matching.SECTION,
        "Matching, as a share of decoding",
        "A filter of two fields, parsed and bound once, over the ten-field documents, already decoded. A value of 0.2 "
        "x means: one look takes a fifth of `bson.decode` of the same document.",
        matching.run,
    ),
    Section(
        bulk_load.SECTION,
        "Bulk load, as a share of encode plus write",
        "Real flights (19 fields) in chunks; every chunk is made, goes through `insert_many` and, beside it, through "
        "`bson.encode` and one write to a plain file, and is forgotten. The value is the share of the plain rate that "
        "remains. Where the caller keeps all documents, which have ObjectIds now, Python's garbage collector looks "
        "through them again and again; that has no budget.",
        bulk_load.run,
    ),
    Section(
        aggregation.SECTION,
        "Pipelines in the interpreter, as multiples of decoding the documents",
        "100,000 ten-field documents in memory. A value of 1 x means: the pipeline takes as long as `bson.decode` of "
        "all the documents that it looks at, timed in the same round and dropped one by one.",
        aggregation.run,
    ),
    Section(
        columns.SECTION,
        "Analytics over columns, against plain DuckDB SQL over the same Arrow data",
        "1,000,000 ten-field documents in memory; every question is asked of amongo and, in turns, of DuckDB with SQL "
        "over an Arrow table of the same values. The value is ours over SQL, medians of the rounds. Cold: the first "
        "query, which makes the columns, less the next ones, for each document.",
        columns.run,
    ),
    Section(
        questions.SECTION,
        "Ten questions about 300,000 flights, over columns and in the interpreter",
        "Real flights in memory; the answers are those of plain SQL on the rows. The value says how many times as long "
        "as over columns the interpreter takes.",
        questions.run,
    ),
    Section(
        loop_lag.SECTION,
        "Event-loop lag",
        "A sampler task sleeps 1 ms at a time and notes how late it wakes. A late wake counts for every wake that it "
        "swallowed, so percentiles are of time. `handlers` give the loop a turn after each operation, as a web handler "
        "does; `tight` tasks await nothing but the store. During the large operations the garbage collector is off: "
        "what a full collection over the user's documents costs any Python program stands in a row of its own.",
        loop_lag.run,
    ),
    Section(
        group_commit.SECTION,
        "Group commit",
        "Journalled inserts (`j=True`, acknowledged after an fsync), all at once against one after the other; the "
        "store is opened again afterwards and has them all.",
        group_commit.run,
    ),
    Section(
        transactions.SECTION,
        "Transactions",
        "Two updates by `_id` and an insert into another collection, as one transaction. Alone: one task, one after "
        "the other. By many tasks: each lets the others go before its commit, so that what they lose to each other is "
        "run again by `with_transaction`.",
        transactions.run,
    ),
    Section(
        forks.SECTION,
        "Forks",
        "`client.fork()` of a store of a million small documents with two indexes, after a write to it, and the first "
        "operations in the fork. The time does not depend on the number of documents but for one list of 8 bytes for "
        "each 4096 of them, and one for each 1024 index entries.",
        forks.run,
    ),
    Section(
        change_streams.SECTION,
        "Change streams",
        "One task writes, each stream is followed by a task of its own on the same loop. The latency counts from the "
        "acknowledgement of an insert until the consumer has the event. Streams let writers go first; each is given "
        "every event, in order, which is verified.",
        change_streams.run,
    ),
    Section(
        live_queries.SECTION,
        "Live queries",
        "`collection.live(…, sort=…, limit=20)` over 1,000 documents, each followed by a task of its own. A change is "
        "an `update_one` by `_id`, and counts until the last of those that it concerns has its diff.",
        live_queries.run,
    ),
    Section(
        scale.SECTION,
        "A million documents",
        "The ten-field document with two fields more. A look-up by index gives 20 documents; a share of 1 is twice the "
        "`bson.decode` of these 20 and 60 µs. Stores on disk are opened by processes of their own, cold: the "
        "pages of their files are given back before. A checkpoint writes all the documents at once.",
        scale.run,
    ),
    Section(
        wire.SECTION,
        "Over sockets, through PyMongo's async client",
        "`amongo serve` and SecantusDB's server, each a process with its store on disk, loaded by turns from as many "
        "client processes as there are processors, on uvloop. The value is our requests a second over theirs, the "
        "medians of the rounds. Where clients and servers share few processors, PyMongo takes most of the time: it "
        "stands in the row below, with the ratio of what the servers themselves take. The lag is that of a server's "
        "loop while a client runs a pipeline over all documents, over columns and in the interpreter.",
        wire.run,
    ),
    Section(
        peers.SECTION,
        "Peers, microseconds for one operation or document",
        "The same workloads on what else is installed. mongomock and mongomock-motor keep Python objects in memory; "
        "smongo keeps files; SecantusDB is a server in a process of its own, reached over a socket. An answer that is "
        "not MongoDB's has no time.",
        peers.run,
    ),
)


def chosen(only: str | None) -> list[Section]:
    """The sections that `--only` asks for.

    only     None: all; a section's name: that one; anything else: the hot paths whose name contains it
    result   empty when nothing is called that
    """
    if only is None:
        return list(SECTIONS)
    named = [section for section in SECTIONS if section.name == only]
    if named or not any(only in path.name for path in hot_paths.HOT_PATHS):
        return named
    return [replace(SECTIONS[0], run=partial(hot_paths.run, only=only))]


def run_section(section: Section, sizes: Sizes, parent: str | None) -> list[Row]:
    """Run one section on an event loop of its own."""
    gc.collect()

    async def measured() -> list[Row]:
        return await section.run(sizes, parent)

    return asyncio.run(measured())

"""What a pipeline may ask of the node it runs on: the stages that tell of the server instead of its documents.

Those stages know what may be asked and how it is written; what there is to tell is known to the commands, which hand
a `Node` down with the environment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from amongo.runtime.interrupts import Interrupt

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatisticsAsked:
    """What $collStats is asked for.

    latency      how long operations take
    histograms   with the distribution of the times
    scale        sizes are asked for, in units of this many bytes; None if they are not
    numbers_only   leave out of the sizes what is no number
    count        how many documents there are
    executions   how often the collection was scanned
    """

    latency: bool = False
    histograms: bool = False
    scale: int | None = None
    numbers_only: bool = False
    count: bool = False
    executions: bool = False


@dataclass(frozen=True, slots=True)
class OperationsAsked:
    """What $currentOp is asked for.

    idle_connections   connections that do nothing
    idle_cursors       cursors that wait for their client
    idle_sessions      sessions in which nothing runs
    truncates          cut long commands short
    only_own           those of the user who asks alone, where there are users
    """

    idle_connections: bool = False
    idle_cursors: bool = False
    idle_sessions: bool = True
    truncates: bool = False
    only_own: bool = False


class Node(Protocol):
    """The node that a pipeline runs on. Collections are named by database and collection."""

    def collection_statistics(
        self, database: str, collection: str, asked: StatisticsAsked, interrupt: Interrupt
    ) -> Facts:
        """The document of $collStats.

        errors   NO_STATISTICS_OF_NOTHING, IS_A_VIEW
        """

    def index_statistics(self, database: str, collection: str) -> Iterable[Facts]:
        """A document for each index: its definition, and how often it was used."""

    def operations(self, asked: OperationsAsked) -> Iterable[Facts]:
        """A document for each operation that runs."""

    def sessions(self, users: frozenset[bytes] | None) -> Iterable[Facts]:
        """The sessions that the node knows: of the users of these digests; None for all."""

    def cached_plans(self, database: str, collection: str) -> Iterable[Facts]:
        """The plans that are kept for a collection.

        errors   NO_PLAN_CACHE
        """

    def query_settings(self, *, shows_shape: bool) -> Iterable[Facts]:
        """A document for each shape of queries for which something is set."""

    def catalog(self, database: str, collection: str) -> Iterable[Facts]:
        """The catalog's entry of a collection, or of every one if `collection` is empty."""

    def cluster_catalog(self, database: str, *, shows_shards: bool) -> Iterable[Facts]:
        """What there is in a database, or in all of them if asked on `admin`."""

"""What a running pipeline may ask of the world around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from amongo.aggregate.node import Node
from amongo.aggregate.output import Output
from amongo.engine.files import TemporaryFiles
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import BLOCKING_STAGE_BYTES

if TYPE_CHECKING:
    from amongo.aggregate.columnar import Columnar

Document = dict[str, Any]
Indexes = Mapping[str, Mapping[str, Any]]


class Stored(NamedTuple):
    """A collection that is stored: no view, no time series."""

    store: Store
    collection: Collection


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings of one run of a pipeline.

    database        the database that other collections are read from
    read            (database, collection) -> its documents, in natural order; a view gives what the view shows
    stored          (database, collection) -> the collection itself, for what can be found in it without reading all;
                    None for a view and for one that does not exist
    variables       values of `$$NOW`, `$$CLUSTER_TIME`, `let` and the like, without the dollars
    interrupt       the operation's stop signal
    random          the source of $sample and $rand
    memory_bytes    how much a blocking stage may hold that cannot put anything aside
    spill_bytes     how much one holds that can, if it may
    temporary       where it puts aside the rest; None if it may not (`allowDiskUse: false`)
    collection      the collection whose documents go in; "" for none
    indexes         (database, collection) -> its index definitions by name; None if there is no such collection
    output          what writes for $merge and $out; None where nothing may be written
    columnar        the path over columns; None where there is none
    node            what tells of the server; None where nobody is there to ask
    """

    database: str
    read: Callable[[str, str], Iterable[Document]]
    variables: Mapping[str, Any] = field(default_factory=dict)
    interrupt: Interrupt = NEVER
    random: Random = field(default_factory=Random)
    memory_bytes: int = BLOCKING_STAGE_BYTES
    spill_bytes: int = BLOCKING_STAGE_BYTES
    temporary: TemporaryFiles | None = None
    collection: str = ""
    indexes: Callable[[str, str], Indexes | None] = lambda database, collection: None
    node: Node | None = None
    output: Output | None = None
    stored: Callable[[str, str], Stored | None] = lambda database, collection: None
    columnar: Columnar | None = None

    @property
    def held_bytes(self) -> int:
        """How much a blocking stage may hold that can put things aside, if it may."""
        return self.memory_bytes if self.temporary is None else self.spill_bytes

    def on(self, collection: str | None) -> Environment:
        """The same surroundings for a sub-pipeline on another collection; None for one on none."""
        return replace(self, collection=collection or "")

    def with_variables(self, variables: Mapping[str, Any]) -> Environment:
        """The same surroundings with more variables, for a sub-pipeline."""
        return replace(self, variables={**self.variables, **variables})

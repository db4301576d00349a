"""The access of a query by indexes: stages that give record ids, and what is left to ask of the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.joins import conjunction
from amongo.planner.probe import Probe
from amongo.planner.stages import AnyStage, IndexScanStage, Moment, Union, moment_of
from amongo.runtime.interrupts import Interrupt

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class IndexedAccess:
    """How the documents of a query are found by indexes.

    stage       gives the record ids
    residual    the conditions that are left to ask of the documents
    gives_sort  the documents come in the order of the query's sort pattern
    matches     the residual, bound; None where nothing is left to ask
    """

    stage: AnyStage
    residual: tuple[MatchExpression, ...]
    gives_sort: bool = False
    matches: Callable[[Document], bool] | None = None

    def bound(self) -> IndexedAccess:
        """The same, ready to run."""
        return replace(self, matches=conjunction(self.residual).bind()) if self.residual else self

    def moment(self, store: Store, collection: Collection, *, is_counted: bool = False) -> Moment | None:
        """What it reads, as it is now; None where an index has changed so that the query has to be planned anew.

        is_counted   see `moment_of`
        """
        return moment_of(self.stage, store, collection, is_counted=is_counted)

    def records(self, moment: Moment, interrupt: Interrupt, probe: Probe | None = None) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of what the stages give, in their order."""
        record = moment.view.record
        for record_id in self.stage.record_ids(moment, interrupt, probe):
            raw = record(record_id)
            if raw is not None:
                yield record_id, raw

    def raws(self, moment: Moment, interrupt: Interrupt) -> Iterator[bytes]:
        """The documents' bytes alone."""
        return moment.view.documents_of(self.stage.record_ids(moment, interrupt, None))

    def count(self, moment: Moment, interrupt: Interrupt, most: int | None) -> int:
        """How many records the stages give, counted to `most`; by the places of the entries alone where these tell."""
        scan = self.single
        if scan is not None and not scan.facts.is_multikey:
            counted = scan.count(moment)
            if counted is not None:
                return counted
        return sum(1 for _ in islice(interrupt.watch(self.stage.record_ids(moment, interrupt, None)), most))

    @property
    def index_names(self) -> tuple[str, ...]:
        """The indexes it reads."""
        return tuple(dict.fromkeys(scan.facts.name for scan in self.stage.scans))

    @property
    def single(self) -> IndexScanStage | None:
        """The one scan that it is; None where there are several."""
        return self.stage if isinstance(self.stage, IndexScanStage) else None

    @property
    def is_fetched(self) -> bool:
        """Whether the stages have looked at the documents themselves: every branch of an OR has a filter of its own."""
        return isinstance(self.stage, Union) and not any(
            isinstance(branch, IndexScanStage) for branch in self.stage.branches
        )

    def index_key(self, document: Document) -> Document | None:
        """The key by which the document is found, by the names of the fields; None if it has none."""
        for scan in self.stage.scans:
            found = scan.key_of(document)
            if found is not None:
                return found
        return None

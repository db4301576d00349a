"""Where the stages $merge and $out of an aggregate write: the target is looked at first, then written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.aggregate.output import MergeTarget, OutTarget
from amongo.commands.merging import Merging, check_unique
from amongo.commands.namespaces import is_database_name, is_system
from amongo.commands.replacing import Replacing, check_replaceable
from amongo.commands.views import refuse_view
from amongo.errors import output as errors
from amongo.runtime.interrupts import Interrupt

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_INTERNAL = frozenset({"admin", "config", "local"})


@dataclass(frozen=True, slots=True)
class PipelineOutput:
    """The `Output` of one aggregate.

    database      that of the aggregate
    variables     of the aggregate
    collation     of the aggregate, as `stored_collation` gives it
    is_validated  documents have to pass the target's validator
    """

    instance: Instance
    database: str
    variables: dict[str, Any]
    collation: dict[str, Any] | None
    interrupt: Interrupt
    is_validated: bool = True

    def check(self, target: MergeTarget | OutTarget) -> None:
        """Refuse a target before any document is read.

        errors   INVALID_TARGET, MERGE_SYSTEM, MERGE_INTERNAL, OUT_SYSTEM, OUT_INTERNAL, IS_A_VIEW, MERGE_NOT_UNIQUE,
                 those of `check_replaceable`
        """
        database = self.database if target.database is None else target.database
        namespace = f"{database}.{target.collection}"
        is_merge = isinstance(target, MergeTarget)
        if not is_database_name(database) or "$" in database or not _is_collection_name(target.collection):
            raise errors.INVALID_TARGET(stage="$merge" if is_merge else "$out", namespace=namespace)
        if is_system(target.collection):
            raise (errors.MERGE_SYSTEM if is_merge else errors.OUT_SYSTEM)(name=target.collection)
        if database in _INTERNAL:
            raise (errors.MERGE_INTERNAL if is_merge else errors.OUT_INTERNAL)(name=database)
        if isinstance(target, OutTarget):
            check_replaceable(self.instance, namespace, target.timeseries)
            return
        collection = self.instance.store.catalog.get(namespace)
        if collection is None:
            refuse_view(self.instance.store.catalog, namespace)
        if target.on is not None:
            check_unique(collection, target.on, self.collation)

    def merge(self, target: MergeTarget, documents: Iterable[tuple[dict[str, Any], Mapping[str, Any]]]) -> None:
        """Write each document, with the values of `let` for it, as the target says.

        errors   those of `Merging`
        """
        merging = Merging(
            self.instance,
            self._namespace(target),
            target,
            self.variables,
            self.collation,
            self.interrupt,
            self.is_validated,
        )
        for document, values in documents:
            merging.add(document, values)
        merging.write()

    def replace(self, target: OutTarget, documents: Iterable[dict[str, Any]]) -> None:
        """Put the documents in place of everything in the target, all at once.

        errors   those of `Replacing`
        """
        namespace = self._namespace(target)
        Replacing(self.instance, namespace, target.timeseries, self.interrupt, self.is_validated).run(documents)

    def _namespace(self, target: MergeTarget | OutTarget) -> str:
        return f"{self.database if target.database is None else target.database}.{target.collection}"


def _is_collection_name(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "\x00" not in name

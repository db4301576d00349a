"""validate: look at every document of a collection and at its indexes. Source: manual, validate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Binary, Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.examining import Findings, check_files, examine
from amongo.commands.fields import truth
from amongo.commands.namespaces import collection_namespace
from amongo.commands.validation import count_failing
from amongo.commands.views import refuse_view
from amongo.errors import command as errors
from amongo.values.numbers import number
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

# Options that exclude `metadata`, which looks at the catalog alone.
_NOT_WITH_METADATA: Final = ("full", "repair", "fixMultikey", "checkBSONConformance", "background")

_NON_COMPLIANT = "Detected one or more documents not compliant with the collection's schema."


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """A validate.

    namespace           "database.collection"
    metadata_only       leave the documents alone
    time_limit_ms       None for no limit
    checks_conformance  look for documents whose bytes another writer would have made otherwise
    checks_files        verify every page of the files first; otherwise those that are read
    """

    namespace: str
    metadata_only: bool = False
    time_limit_ms: int | None = None
    checks_conformance: bool = False
    checks_files: bool = False


def parse(database: str, document: dict[str, Any]) -> ValidateRequest:
    """The request of a validate command. Every value stands for a flag; fields that are not known are let pass.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, NOT_SUPPORTED_YET; INVALID_OPTIONS for flags that exclude others
    """
    namespace = collection_namespace(database, document["validate"])
    flags = {name for name, value in document.items() if _is_set(value)}
    if "metadata" in flags:
        for name in _NOT_WITH_METADATA:
            if name in flags:
                raise errors.INVALID_OPTIONS(
                    message=f"Running the validate command with {{ metadata: true }} is not supported with {name}"
                )
    if "repair" in flags or "fixMultikey" in flags:
        raise errors.INVALID_OPTIONS(
            message="Running the validate command with { repair: true } can only be done in standalone mode"
        )
    if {"background", "full"} <= flags:  # what `background` is for, any validate does here: it holds up nobody
        raise errors.INVALID_OPTIONS(
            message="Running the validate command with both { background: true } and { full: true } is not supported"
        )
    limit_ms = document.get("maxTimeMS")
    return ValidateRequest(
        namespace,
        "metadata" in flags,
        int(limit_ms) if limit_ms else None,
        "checkBSONConformance" in flags,
        "full" in flags,
    )


def _is_set(value: Any) -> bool:
    """Whether an option of any type is on."""
    if type(value) is bool or type(value) in NUMERIC_CLASSES:
        return truth(value)
    return value is not None


def run(instance: Instance, request: ValidateRequest, context: Context) -> dict[str, Any]:
    """{ns, uuid, nrecords, …, valid, errors}: what was looked at and what is wrong.

    errors   NAMESPACE_NOT_FOUND, IS_A_VIEW
    """
    refuse_view(instance.store.catalog, request.namespace)
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        raise errors.NAMESPACE_NOT_FOUND(message=f"Collection '{request.namespace}' does not exist to validate.")
    reply: dict[str, Any] = {"ns": request.namespace, "uuid": Binary(collection.uuid, 4)}
    found = Findings()
    if not request.metadata_only:
        interrupt = instance.operation_interrupt(context, request.time_limit_ms)
        damages = check_files(collection, interrupt) if request.checks_files else []
        if damages:
            found.problems += damages
        else:
            found = examine(instance.store, collection, interrupt, checks_conformance=request.checks_conformance)
        failing = 0 if found.problems else count_failing(instance, collection, interrupt)
        if failing:
            found.warnings.append(_NON_COMPLIANT)
        reply |= {
            "nInvalidDocuments": number(len(found.invalid)),
            "nNonCompliantDocuments": number(failing + found.non_conforming),
            "nrecords": number(found.count),
        }
    reply["nIndexes"] = len(collection.indexes)
    if not request.metadata_only:
        reply["keysPerIndex"] = {name: number(count) for name, count in found.keys.items()}
    reply |= {
        "indexDetails": {
            name: {"valid": name not in found.wrong_indexes, "spec": definition}
            for name, definition in collection.indexes.items()
        },
        "valid": not found.problems,
        "repaired": False,
        "repairMode": "None",
        "warnings": found.warnings,
        "errors": found.problems,
        "extraIndexEntries": found.extra,
        "missingIndexEntries": found.missing,
        "corruptRecords": list(map(Int64, found.invalid)),
        "ok": 1.0,
    }
    return reply


COMMAND = Command("validate", parse, run)

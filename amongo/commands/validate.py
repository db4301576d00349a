"""validate: look at every document of a collection and at its index. Source: manual, validate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Binary, Int64
from bson.errors import InvalidBSON

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import truth
from amongo.commands.list_collections import ID_INDEX
from amongo.commands.namespaces import collection_namespace
from amongo.engine.records import Collection, record_key
from amongo.errors import command as errors
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode_foreign
from amongo.values.numbers import number
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

# Options that exclude `metadata`, which looks at the catalog alone.
_NOT_WITH_METADATA: Final = ("full", "repair", "fixMultikey", "checkBSONConformance", "background")


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """A validate.

    namespace       "database.collection"
    metadata_only   leave the documents alone
    time_limit_ms   None for no limit
    """

    namespace: str
    metadata_only: bool = False
    time_limit_ms: int | None = None


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
    if "background" in flags:
        raise errors.NOT_SUPPORTED_YET(what="'validate.background'", reason="a plain validate holds up nobody")
    return ValidateRequest(namespace, "metadata" in flags, document.get("maxTimeMS"))


def _is_set(value: Any) -> bool:
    """Whether an option of any type is on."""
    if type(value) is bool or type(value) in NUMERIC_CLASSES:
        return truth(value)
    return value is not None


def run(instance: Instance, request: ValidateRequest, context: Context) -> dict[str, Any]:
    """{ns, uuid, nrecords, …, valid, errors}: what was looked at and what is wrong.

    errors   NAMESPACE_NOT_FOUND
    """
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        raise errors.NAMESPACE_NOT_FOUND(message=f"Collection '{request.namespace}' does not exist to validate.")
    reply: dict[str, Any] = {"ns": request.namespace, "uuid": Binary(collection.uuid, 4)}
    problems: list[str] = []
    invalid: list[int] = []
    if not request.metadata_only:
        interrupt = instance.operation_interrupt(context, request.time_limit_ms)
        count, invalid, problems = examine(instance, collection, interrupt)
        reply |= {
            "nInvalidDocuments": number(len(invalid)),
            "nNonCompliantDocuments": 0,
            "nrecords": number(count),
        }
    reply["nIndexes"] = 1
    if not request.metadata_only:
        reply["keysPerIndex"] = {"_id_": reply["nrecords"]}
    reply |= {
        "indexDetails": {"_id_": {"valid": not problems, "spec": ID_INDEX}},
        "valid": not problems,
        "repaired": False,
        "repairMode": "None",
        "warnings": [],
        "errors": problems,
        "extraIndexEntries": [],
        "missingIndexEntries": [],
        "corruptRecords": list(map(Int64, invalid)),
        "ok": 1.0,
    }
    return reply


def examine(instance: Instance, collection: Collection, interrupt: Interrupt) -> tuple[int, list[int], list[str]]:
    """(documents, record ids of those that are no BSON, what is wrong) of a collection.

    Every document must decode, and be found under its `_id`. Writers go on meanwhile: a document that another has
    changed or removed since the view was taken is not wrong.
    """
    store = instance.store
    view = store.view(collection)
    invalid: list[int] = []
    problems: list[str] = []
    count = 0
    for record_id, raw in interrupt.watch(view):
        count += 1
        try:
            decode_foreign(raw)
            found = collection.find_id(record_key(raw))
        except (InvalidBSON, KeyError) as error:
            invalid.append(record_id)
            problems.append(f"record {record_id} is not a document with an _id: {error}")
            continue
        if found is None or found[0] != record_id:
            with store.lock:
                is_unchanged = collection.record(record_id) is raw
            if is_unchanged:
                problems.append(f"record {record_id} is not found under its _id")
    if count != view.count:
        problems.append(f"{count} documents where {view.count} are counted")
    return count, invalid, problems


COMMAND = Command("validate", parse, run)

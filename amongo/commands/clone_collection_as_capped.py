"""cloneCollectionAsCapped: copy a collection's newest documents into a new capped one. Source: manual,
cloneCollectionAsCapped.

The copy has no index but the one on `_id`. Its documents are not validated, whatever validator it has taken over.
Fields that the command does not know are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from amongo.commands.capped import copy_size, options_of_copy, source_of_copy
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.insert import stored_document
from amongo.commands.namespaces import PROFILE, check_creatable
from amongo.commands.views import is_view
from amongo.engine.records import Cap, record_keys
from amongo.errors import capped as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """What to copy.

    source, target   "database.collection" each, of the same database
    size_bytes       of the copy's documents at most
    """

    source: str
    target: str
    size_bytes: int


def parse(database: str, document: dict[str, Any]) -> CloneRequest:
    """The request of a cloneCollectionAsCapped command.

    errors   NAME_NOT_STRING, INVALID_SOURCE_NAME, INVALID_TARGET_NAME, SIZE_NOT_POSITIVE
    """
    source, target = document["cloneCollectionAsCapped"], document.get("toCollection")
    if type(source) is not str:
        raise errors.NAME_NOT_STRING(field="cloneCollectionAsCapped")
    if type(target) is not str:
        raise errors.NAME_NOT_STRING(field="toCollection")
    if not _is_collection_name(source):
        raise errors.INVALID_SOURCE_NAME(name=source)
    if not _is_collection_name(target):
        raise errors.INVALID_TARGET_NAME(name=target)
    return CloneRequest(f"{database}.{source}", f"{database}.{target}", copy_size(document.get("size")))


def _is_collection_name(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "$" not in name and "\x00" not in name


def run(instance: Instance, request: CloneRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}.

    errors   DATABASE_NOT_FOUND, SOURCE_NOT_FOUND, SOURCE_IS_VIEW, TARGET_EXISTS, SIZE_TOO_LARGE, those of
             `check_creatable`
    """
    store = instance.store
    with store.lock:
        source = source_of_copy(store.catalog, request.source)
        if store.catalog.get(request.target) is not None or is_view(store.catalog, request.target):
            raise errors.TARGET_EXISTS(target=request.target, source=request.source)
        options = options_of_copy(source.options, request.size_bytes)
        check_creatable(request.target, store.catalog.databases())
        view = source.view()
        target = store.create(request.target, options)
    cap = Cap.of(options)
    assert cap is not None
    kept = cap.kept(len(raw) for _, raw in context.interrupt.watch(reversed(view)))
    raws = [raw for _, raw in islice(reversed(view), kept)]
    raws.reverse()
    if source.namespace.endswith(f".{PROFILE}"):  # its documents have no `_id`
        raws = [stored_document(raw, instance) for raw in raws]
    store.insert(target, record_keys(raws, target.collator), raws, interrupt=context.interrupt)
    return {"ok": 1.0}


COMMAND = Command("cloneCollectionAsCapped", parse, run)

"""filemd5: the MD5 of a file that is kept in GridFS, over its chunks in their order. Source: manual, filemd5.

The state of an MD5 that is half done (`md5state`, with `partialOk`) is the server's own, and not read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Binary

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.find import FindRequest, plan_find
from amongo.commands.namespaces import collection_namespace
from amongo.errors import administration as errors
from amongo.values.codec import decode
from amongo.values.numbers import number
from amongo.values.order import equal

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "root": Field("string", default="fs"),
    "partialOk": Field("flag", default=False),
}

_NOT_YET: Final = {"md5state": "the state of an MD5 that is half done is not read"}


@dataclass(frozen=True, slots=True)
class FileMd5Request:
    """Of which file.

    namespace    of its chunks
    file_id      `files_id` of the chunks
    is_partial   chunks that are missing end it, and are no error
    """

    namespace: str
    file_id: Any
    is_partial: bool = False


def parse(database: str, document: dict[str, Any]) -> FileMd5Request:
    """The request of a filemd5 document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, INVALID_NAMESPACE, NOT_SUPPORTED_YET
    """
    fields = parse_fields("filemd5", document, FIELDS, not_yet=_NOT_YET)
    namespace = collection_namespace(database, f"{fields['root']}.chunks")
    return FileMd5Request(namespace, document["filemd5"], fields["partialOk"])


def run(instance: Instance, request: FileMd5Request, context: Context) -> dict[str, Any]:
    """{numChunks, md5}; a file without chunks is empty.

    errors   CHUNK_MISSING, CHUNK_NOT_BINARY
    """
    interrupt = instance.operation_interrupt(context, None)
    chunks = FindRequest(request.namespace, {"files_id": {"$eq": request.file_id}}, None, {"files_id": 1, "n": 1})
    plan = plan_find(instance, chunks)
    digest, count = hashlib.md5(usedforsecurity=False), 0
    for raw in () if plan is None else interrupt.watch(plan.documents(instance.store, interrupt)):
        chunk = decode(raw)
        if not equal(chunk.get("n"), count):
            if request.is_partial:
                break
            raise errors.CHUNK_MISSING()
        content = chunk.get("data")
        if type(content) is not bytes and not isinstance(content, Binary):
            raise errors.CHUNK_NOT_BINARY()
        digest.update(content)
        count += 1
    return {"numChunks": number(count), "md5": digest.hexdigest(), "ok": 1.0}


COMMAND = Command("filemd5", parse, run)

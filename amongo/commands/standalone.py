"""What needs a replica set, refused to the clients of a server that says it is none (`--standalone`).

Source: manual, Retryable Writes, Transactions, Change Streams, Read Concern "snapshot", replSetGetStatus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.commands.concerns import ReadConcern
from amongo.errors import administration as errors

_OF_A_SET: Final = "replSet"  # how the names of commands begin that are about the set
_STREAM: Final = "$changeStream"


def refuse_replication(name: str, document: Mapping[str, Any], read: ReadConcern) -> None:
    """Refuse a command that needs a replica set.

    name     of the command
    errors   NO_REPLICATION, NUMBERS_NEED_SET, CONCERN_NEEDS_SET, STREAMS_NEED_SET
    """
    if name.startswith(_OF_A_SET):
        raise errors.NO_REPLICATION()
    if "txnNumber" in document:
        raise errors.NUMBERS_NEED_SET()
    if read.is_snapshot:
        raise errors.CONCERN_NEEDS_SET(concern="readConcern: snapshot")
    if read.level == "linearizable":
        raise errors.CONCERN_NEEDS_SET(concern="read concern")
    pipeline = document.get("pipeline")
    first = pipeline[0] if name == "aggregate" and type(pipeline) is list and pipeline else None
    if type(first) is dict and _STREAM in first:
        raise errors.STREAMS_NEED_SET()

"""What is put aside, as bytes: documents on their way through a pipeline, or stored documents as they are.

A document keeps everything: field order, BSON types (also the deprecated ones), and the metadata that it carries under
names that BSON does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from amongo.aggregate.environment import Document
from amongo.mql.metadata import without_metadata
from amongo.values.codec import decode_foreign, encode_in_order

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How one kind of thing is put aside.

    pack     thing -> bytes
    unpack   these bytes -> the same thing
    """

    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T]


def _pack(document: Document) -> bytes:
    carried = {name[1:]: value for name, value in document.items() if name.startswith("\0")}
    if not carried:
        return encode_in_order({"d": document})
    return encode_in_order({"d": without_metadata(document), "m": carried})


def _unpack(raw: bytes) -> Document:
    held = decode_foreign(raw)
    document: Document = held["d"]
    for name, value in held.get("m", {}).items():
        document["\0" + name] = value
    return document


def _same(raw: bytes) -> bytes:
    return raw


DOCUMENTS: Final[Form[Any]] = Form(_pack, _unpack)
RAW: Final[Form[bytes]] = Form(_same, _same)

"""The three BSON types that MongoDB has deprecated and that PyMongo's codec does not keep.

They still live in old collections. The exact codec (`values.exact`) reads and writes them, so that a document keeps
its types from entry to exit.
"""

from dataclasses import dataclass

from bson import ObjectId


@dataclass(frozen=True, slots=True)
class Undefined:
    """BSON undefined (type 6). It sorts with missing, below null."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """BSON symbol (type 14): compares and sorts as the string it holds."""

    text: str


@dataclass(frozen=True, slots=True)
class DBPointer:
    """BSON DBPointer (type 12): a namespace and the `_id` of a document there."""

    namespace: str
    id: ObjectId


UNDEFINED = Undefined()

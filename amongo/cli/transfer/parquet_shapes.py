"""Which Parquet column holds a field: found by looking at all its values first.

A field gets a typed column where one holds every value exactly, and is Extended JSON text otherwise (`TEXT`). In a file
of amongo the schema's metadata tells, under `amongo.bson`, what each column was, so that it comes back as it went:

    int, long, double, bool, string   int32, int64, double, boolean, string
    date, timestamp                   timestamp[ms, UTC], uint64 (seconds in the upper half)
    objectId, binData, decimal        12 bytes, bytes (all of one subtype), string
    object, array                     struct, list, where all elements and the fields' order go together
    int with long, int with double    int64, double: the numbers stay, their types widen, and `notices` say so
    anything else                     canonical Extended JSON

A Parquet null is a missing field or a null, whichever there were; where there were both, the column is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

TEXT, OBJECT, ARRAY, BINARY, NOTHING = "extendedJson", "object", "array", "binData", "null"
NULL, MISSING = "null", "missing"

# By a value's class: the name of its type.
_KINDS: Final[Mapping[type, str]] = {
    int: "int", Int64: "long", float: "double", bool: "bool", str: "string", DatetimeMS: "date", ObjectId: "objectId",
    Decimal128: "decimal", Timestamp: "timestamp", bytes: BINARY, Binary: BINARY, dict: OBJECT, list: ARRAY,
}  # fmt: skip
ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "date": pa.timestamp("ms", tz="UTC"),
    "objectId": pa.binary(12),
    "decimal": pa.string(),
    "timestamp": pa.uint64(),
    BINARY: pa.binary(),
    NOTHING: pa.null(),
    TEXT: pa.string(),
}
_WIDENED: Final = {frozenset({"int", "long"}): "long", frozenset({"int", "double"}): "double"}


def kind_of(value: Any) -> str:
    """The name of a value's type; TEXT for one that no column has."""
    return _KINDS.get(type(value), TEXT)


@dataclass(slots=True)
class Shape:
    """What the values of one field look like; of the whole document at the top.

    kinds       names of their types
    subtypes    of binary values
    documents   how many were documents
    names       the fields of these, in an order that fits all, if `is_ordered`
    element     what the elements of arrays look like
    seen        how many values there were; missing ones are not counted
    has_null    whether one was null
    """

    kinds: set[str] = field(default_factory=set)
    subtypes: set[int] = field(default_factory=set)
    documents: int = 0
    names: list[str] = field(default_factory=list)
    fields: dict[str, Shape] = field(default_factory=dict)
    is_ordered: bool = True
    element: Shape | None = None
    seen: int = 0
    has_null: bool = False

    def see(self, value: Any) -> None:
        """Look at one more value."""
        self.seen += 1
        if value is None:
            self.has_null = True
            return
        kind = kind_of(value)
        self.kinds.add(kind)
        if kind == OBJECT:
            self._see_document(value)
        elif kind == ARRAY:
            if self.element is None:
                self.element = Shape()
            for each in value:
                self.element.see(each)
        elif kind == BINARY:
            self.subtypes.add(value.subtype if isinstance(value, Binary) else 0)

    def _see_document(self, document: Mapping[str, Any]) -> None:
        self.documents += 1
        at = -1
        for name, each in document.items():
            inner = self.fields.get(name)
            if inner is None:
                inner = self.fields[name] = Shape()
                at += 1
                self.names.insert(at, name)
            elif at + 1 < len(self.names) and self.names[at + 1] == name:
                at += 1
            else:
                found = self.names.index(name)
                self.is_ordered = self.is_ordered and found > at
                at = max(found, at)
            inner.see(each)


@dataclass(frozen=True, slots=True)
class Node:
    """A column, or a part of one.

    kind      the BSON type's name, or TEXT
    absent    what a Parquet null is: NULL or MISSING
    subtype   of BINARY
    fields    of OBJECT
    element   of ARRAY
    """

    kind: str
    absent: str = NULL
    subtype: int = 0
    fields: Mapping[str, Node] = field(default_factory=dict)
    element: Node | None = None

    def arrow_type(self) -> pa.DataType:
        """The type of its column."""
        if self.kind == OBJECT:
            return pa.struct([pa.field(name, each.arrow_type()) for name, each in self.fields.items()])
        if self.kind == ARRAY:
            assert self.element is not None
            return pa.list_(self.element.arrow_type())
        return ARROW_TYPES[self.kind]

    def told(self) -> dict[str, Any]:
        """The node as the metadata tells it."""
        told: dict[str, Any] = {"bson": self.kind, "absent": self.absent}
        if self.kind == BINARY:
            told["subtype"] = self.subtype
        if self.kind == OBJECT:
            told["fields"] = {name: each.told() for name, each in self.fields.items()}
        if self.element is not None:
            told["element"] = self.element.told()
        return told


def node_of_told(told: Any) -> Node:
    """The node that metadata tells of.

    errors   ValueError for what `told` never gives
    """
    if type(told) is not dict or told.get("bson") not in (OBJECT, ARRAY, *ARROW_TYPES):
        raise ValueError("the metadata `amongo.bson` is malformed")
    fields, element = told.get("fields", {}), told.get("element")
    if type(fields) is not dict or (told["bson"] == ARRAY) != (element is not None):
        raise ValueError("the metadata `amongo.bson` is malformed")
    subtype = told.get("subtype", 0)
    if type(subtype) is not int or not 0 <= subtype <= 255 or told.get("absent") not in (NULL, MISSING):
        raise ValueError("the metadata `amongo.bson` is malformed")
    inner = {name: node_of_told(each) for name, each in fields.items()}
    return Node(told["bson"], told["absent"], subtype, inner, None if element is None else node_of_told(element))


def node_of(shape: Shape, expected: int, path: str, notices: list[str]) -> Node:
    """The column for values of this shape.

    expected   how many values there would be if none were missing
    path       of the field, for `notices`
    notices    takes what the file will not tell as it was
    """
    is_missing = shape.seen < expected
    absent = MISSING if is_missing else NULL
    if is_missing and shape.has_null:
        return Node(TEXT, MISSING)
    text = Node(TEXT, absent)
    kinds = frozenset(shape.kinds)
    if not kinds:
        return Node(NOTHING, absent)
    if kinds in _WIDENED:
        notices.append(f"{path}: int became {_WIDENED[kinds]} beside other numbers")
        return Node(_WIDENED[kinds], absent)
    if len(kinds) > 1 or TEXT in kinds:
        return text
    (kind,) = kinds
    if kind == BINARY:
        return Node(BINARY, absent, min(shape.subtypes)) if len(shape.subtypes) == 1 else text
    if kind == OBJECT:
        if not shape.is_ordered or not shape.names:
            return text
        return Node(OBJECT, absent, fields=fields_of(shape, path + ".", notices))
    if kind == ARRAY:
        assert shape.element is not None
        return Node(ARRAY, absent, element=node_of(shape.element, shape.element.seen, path + "[]", notices))
    return Node(kind, absent)


def fields_of(shape: Shape, prefix: str, notices: list[str]) -> dict[str, Node]:
    """The columns for the fields of documents of this shape."""
    return {name: node_of(shape.fields[name], shape.documents, prefix + name, notices) for name in shape.names}

"""Key patterns of indexes: which kind of index they ask for, and what the server refuses.

Source: manual, createIndexes, Index Types; Compound Wildcard Indexes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from amongo.errors import index as errors
from amongo.runtime.limits import INDEX_FIELDS, INDEX_PATTERN_BYTES
from amongo.values.codec import encode
from amongo.values.numbers import to_double
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

Pattern = Mapping[str, Any]

ORDERED: Final = "ordered"
WILDCARD: Final = "wildcard"
TEXT: Final = "text"
HASHED: Final = "hashed"
GEO_2D: Final = "2d"
GEO_SPHERE: Final = "2dsphere"

_NAMED_KINDS: Final = frozenset({TEXT, HASHED, GEO_2D, GEO_SPHERE})
_DBREF_FIELDS: Final = frozenset({"$ref", "$id", "$db"})
_WILDCARD_FIELD: Final = "$**"


def index_kind(pattern: Pattern) -> str:
    """The kind of index that a key pattern asks for: one of the constants above, or the unknown name it gives."""
    for name, value in pattern.items():
        if type(value) is str:
            return value
        if is_wildcard(name):
            return WILDCARD
    return ORDERED


def is_wildcard(name: str) -> bool:
    """Whether a field of a key pattern stands for all paths, or all below one."""
    return name == _WILDCARD_FIELD or name.endswith("." + _WILDCARD_FIELD)


def check_pattern(pattern: Pattern) -> None:
    """Refuse a key pattern that no index can have.

    errors   CANNOT_CREATE, TWO_WILDCARDS, HASHED_TWICE, GEO_2D_TWICE, GEO_2D_NOT_FIRST, TOO_MANY_FIELDS
    """
    if len(encode(pattern)) > INDEX_PATTERN_BYTES:
        raise _refusal("Index key pattern too large.")
    if not pattern:
        raise _refusal("Index keys cannot be an empty object.")
    kind = index_kind(pattern)
    if kind not in (ORDERED, WILDCARD) and kind not in _NAMED_KINDS:
        raise _refusal(f"Unknown index plugin '{kind}'")
    for name, value in pattern.items():
        _check_value(name, value, kind)
        _check_name(name, value, kind)
    _check_kind(pattern, kind)
    if len(pattern) > INDEX_FIELDS:
        raise errors.TOO_MANY_FIELDS()


def _check_value(name: str, value: Any, kind: str) -> None:
    if type(value) is str:
        if value == WILDCARD or value != kind:
            raise _refusal("Can't use more than one index plugin for a single index.")
        return
    if not is_number(value):
        raise _refusal(
            f"Values in v:2 index key pattern cannot be of type {alias(value)}. Only numbers > 0, numbers < 0, and "
            "strings are allowed."
        )
    number = to_double(value)
    if math.isnan(number):
        raise _refusal("Values in the index key pattern cannot be NaN.")
    if number == 0:
        raise _refusal("Values in the index key pattern cannot be 0.")
    if is_wildcard(name) and number < 0:
        raise _refusal("A numeric value in a $** index key pattern must be positive.")


def _check_name(name: str, value: Any, kind: str) -> None:
    """A name is a path without empty parts; `$` begins a part only in a wildcard, a DBRef or a text index on all."""
    if not name:
        raise _refusal("Index keys cannot be an empty field.")
    if name == _WILDCARD_FIELD and (value == TEXT or type(value) is not str):
        return
    parts = name.split(".")
    for position, part in enumerate(parts):
        if not part:
            raise _refusal("Index keys cannot contain an empty field.")
        if not part.startswith("$") or (position and part in _DBREF_FIELDS):
            continue
        is_last = position == len(parts) - 1
        if not (is_last and part == _WILDCARD_FIELD and kind == WILDCARD):
            raise _refusal("Index key contains an illegal field name: field name starts with '$'.")


def _check_kind(pattern: Pattern, kind: str) -> None:
    """What the kinds of index ask of the pattern as a whole."""
    if kind == WILDCARD and sum(map(is_wildcard, pattern)) > 1:
        raise errors.TWO_WILDCARDS()
    if kind == HASHED:
        count = sum(value == HASHED for value in pattern.values())
        if count > 1:
            raise errors.HASHED_TWICE(count=count, pattern=shown(dict(pattern)))
    if kind == GEO_2D:
        places = [position for position, value in enumerate(pattern.values()) if value == GEO_2D]
        if len(places) > 1:
            raise errors.GEO_2D_TWICE()
        if places != [0]:
            raise errors.GEO_2D_NOT_FIRST()
    if kind != TEXT and not {"_fts", "_ftsx"}.isdisjoint(pattern):
        raise _refusal("Index key contains an illegal field name: '_fts' and '_ftsx' belong to text indexes.")


def _refusal(message: str) -> Exception:
    return errors.CANNOT_CREATE(message=message)

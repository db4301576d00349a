"""One index as a client asks for it becomes the definition that the catalog keeps and listIndexes shows.

Every option is checked as the server checks it, and written as the server writes it: booleans as booleans, seconds
and versions as int32, the bounds of a 2d index as doubles, a text index with its languages and weights filled in.
Source: manual, createIndexes, Index Properties.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from amongo.commands.collations import parse_collation
from amongo.commands.fields import to_integer, truth
from amongo.commands.index_patterns import (
    GEO_2D,
    GEO_SPHERE,
    HASHED,
    ORDERED,
    TEXT,
    WILDCARD,
    check_pattern,
    index_kind,
)
from amongo.commands.partial_filters import check_partial_filter
from amongo.commands.text_indexes import complete_text_index
from amongo.engine.indexes import ID_INDEX_NAME, Definition
from amongo.errors import index as errors
from amongo.mql.projections import parse_projection
from amongo.values.numbers import to_double
from amongo.values.order import equal
from amongo.values.types import alias, is_number
from amongo.values.wording import element, shown

_EXPIRY_MAX: Final = 2**31 - 1
_ID_PATTERN: Final = {"_id": 1}
_COLLATED: Final = frozenset({ORDERED, GEO_SPHERE, HASHED, WILDCARD})
_SPHERE_VERSIONS: Final = (1, 2, 3)

# Option -> the type it must have. Those of `_BOOLEANS` take numbers too; what a kind of index does with the others
# is checked below.
_BOOLEANS: Final = frozenset({"unique", "sparse", "background", "dropDups"})
_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "key": ("object", "an object"),
    "name": ("string", "a string"),
    "hidden": ("bool", "a bool"),
    "prepareUnique": ("bool", "a bool"),
    "clustered": ("bool", "a bool"),
    "collation": ("object", "an object"),
    "partialFilterExpression": ("object", "an object"),
    "wildcardProjection": ("object", "an object"),
    "storageEngine": ("object", "an object"),
    "originalSpec": ("object", "an object"),
    "default_language": ("string", "a string"),
    "language_override": ("string", "a string"),
    "v": ("number", "a number"),
    "textIndexVersion": ("number", "a number"),
    "2dsphereIndexVersion": ("number", "a number"),
    "finestIndexedLevel": ("number", "a number"),
    "coarsestIndexedLevel": ("number", "a number"),
    "bits": ("number", "a number"),
    "min": ("number", "a number"),
    "max": ("number", "a number"),
    "bucketSize": ("number", "a number"),
}
_WEIGHTS: Final = frozenset({"object", "string", "array"})
_OTHERS: Final = frozenset({"expireAfterSeconds", "weights", "ns", "_id"})
_OPTIONS: Final = _BOOLEANS | _TYPES.keys() | _OTHERS
_ID_OPTIONS: Final = frozenset({"key", "name", "v", "collation", "ns", "_id"})
_NOT_KEPT: Final = frozenset({"v", "key", "name", "ns", "_id", "dropDups", "originalSpec"})


def parse_definition(specification: Any, *, ignores_unknown: bool = False) -> Definition:
    """The definition of an index, from an element of createIndexes' `indexes`.

    ignores_unknown   leave out unknown options instead of refusing them
    errors            those of `amongo.errors.index` under "What a definition says", and of the single options
    """
    options: dict[str, Any] = {}
    for name, value in specification.items():
        if name in _OPTIONS:
            _check_type(name, value)
            options[name] = value
        elif not ignores_unknown:
            raise errors.UNKNOWN_OPTION(field=name, definition=shown(specification))
    for name in ("key", "name"):
        if name not in options:
            raise errors.MISSING(field=name)
    pattern: dict[str, Any] = options["key"]
    version = _version(options, specification)
    check_pattern(pattern)
    _check_name(options["name"], pattern)
    kind = index_kind(pattern)
    _check_options(kind, options)
    definition: Definition = {"v": version, "key": pattern, "name": options["name"]}
    definition |= {
        name: _KEPT_AS.get(name, _as_it_is)(value) for name, value in options.items() if name not in _NOT_KEPT
    }
    complete = _COMPLETE.get(kind)
    return complete(definition) if complete else definition


def with_collation(definition: Definition, default: Mapping[str, Any] | None) -> Definition:
    """The definition on a collection: it has the collection's collation unless it names one; the simple one is none.

    default   the collection's; None for the simple one
    errors    CANNOT_CREATE for a kind of index without collations, ID_COLLATION
    """
    own = definition.get("collation", default)
    if own is not None and own["locale"] == "simple":
        own = None
    if is_id_index(definition) and own != default:
        raise errors.ID_COLLATION(collation=shown(own or {"locale": "simple"}))
    kind = index_kind(definition["key"])
    if own is not None and kind not in _COLLATED:
        raise _refusal(f"Index type '{kind}' does not support collation: {shown(own)}")
    plain = {name: value for name, value in definition.items() if name != "collation"}
    return plain if own is None else plain | {"collation": own}


def _check_type(name: str, value: Any) -> None:
    kind = alias(value)
    if name in _BOOLEANS:
        if kind != "bool" and not is_number(value):
            raise errors.NOT_A_BOOLEAN(field=name, element=element(name, value))
    elif name == "weights":
        if kind not in _WEIGHTS:
            raise errors.WRONG_TYPE(field=name, expected="an object", actual=kind)
    elif name in _TYPES:
        wanted, expected = _TYPES[name]
        if kind != wanted and not (wanted == "number" and is_number(value)):
            raise errors.WRONG_TYPE(field=name, expected=expected, actual=kind)


def _version(options: Mapping[str, Any], specification: Mapping[str, Any]) -> int:
    """`v`: 2, or 1 where the index has nothing that 1 does not know.

    errors   VERSION_TOO_LARGE, CANNOT_CREATE
    """
    value = options.get("v", 2)
    number = to_double(value)
    if number != to_integer(value) or not -(2**31) <= number < 2**31:
        raise errors.VERSION_TOO_LARGE(value=shown(value))
    version = to_integer(value)
    if version not in (1, 2):
        raise _refusal(f"Invalid index specification {shown(specification)}; cannot create an index with v={version}")
    if version == 1 and "collation" in options:
        raise _refusal(
            f"Invalid index specification {shown(specification)}; cannot create an index with the 'collation' option "
            "and v=1"
        )
    if version == 1 and index_kind(options["key"]) == WILDCARD:
        raise _refusal(f"Invalid index specification {shown(specification)}; cannot create a wildcard index with v=1")
    return version


def _check_name(name: str, pattern: dict[str, Any]) -> None:
    """A name is text; `_id_` is that of the index on `_id` alone.

    errors   CANNOT_CREATE, NAME_IS_STAR, NAME_IS_RESERVED, ID_DESCENDING
    """
    if not name:
        raise _refusal("index name cannot be empty")
    if "\0" in name:
        raise _refusal("index name cannot contain NUL bytes")
    if name == "*":
        raise errors.NAME_IS_STAR()
    if pattern.keys() == {"_id"} and is_number(pattern["_id"]) and not equal(pattern, _ID_PATTERN):
        raise errors.ID_DESCENDING(pattern=shown(pattern))
    if name == ID_INDEX_NAME and not equal(pattern, _ID_PATTERN):
        raise errors.NAME_IS_RESERVED(pattern=shown(pattern))


def is_id_index(definition: Mapping[str, Any]) -> bool:
    """Whether a definition asks for the index that every collection has."""
    return equal(definition["key"], _ID_PATTERN)


def _check_options(kind: str, options: dict[str, Any]) -> None:
    """What options ask of each other and of the kind of index, in the server's order."""
    pattern = options["key"]
    if equal(pattern, _ID_PATTERN):
        for name in options:
            if name not in _ID_OPTIONS:
                raise errors.UNKNOWN_ID_OPTION(field=name, definition=shown(options))
    if "collation" in options:
        if not options["collation"]:
            raise errors.EMPTY_COLLATION()
        if kind not in _COLLATED and not parse_collation(options["collation"]).is_simple:
            raise _refusal(f"Index type '{kind}' does not support collation: {shown(options['collation'])}")
    if "wildcardProjection" in options:
        _check_wildcard_projection(kind, pattern, options["wildcardProjection"])
    if "expireAfterSeconds" in options:
        _check_expiry(kind, pattern, options["expireAfterSeconds"])
    is_sparse, is_unique = truth(options.get("sparse", False)), truth(options.get("unique", False))
    if kind == WILDCARD:
        if is_sparse:
            raise _refusal("Index type 'wildcard' does not support the sparse option")
        if is_unique:
            raise _refusal("Index type 'wildcard' does not support the unique option")
        _check_overlap(pattern, options.get("wildcardProjection"))
    if kind == HASHED and is_unique:
        raise errors.HASHED_UNIQUE()
    if "partialFilterExpression" in options:
        check_partial_filter(options["partialFilterExpression"])
        if is_sparse:
            raise _refusal('cannot mix "partialFilterExpression" and "sparse" options')
    if options.get("clustered"):
        raise _refusal("Cannot create a clustered index with createIndexes: it is an option of create")


def _check_wildcard_projection(kind: str, pattern: Mapping[str, Any], projection: dict[str, Any]) -> None:
    """The paths that a wildcard index takes in or leaves out.

    errors   PROJECTION_WITHOUT_WILDCARD, PROJECTION_ON_PATH, PROJECTION_EMPTY, and those of projections
    """
    if kind != WILDCARD:
        raise errors.PROJECTION_WITHOUT_WILDCARD()
    if "$**" not in pattern:
        raise errors.PROJECTION_ON_PATH(pattern=shown(dict(pattern)))
    if not projection:
        raise errors.PROJECTION_EMPTY()
    parse_projection(projection, is_stage=True)


def _check_overlap(pattern: Mapping[str, Any], projection: Mapping[str, Any] | None) -> None:
    """The other fields of a compound wildcard index are not among those that its wildcard stands for.

    projection   paths that are all taken in, or all left out; `_id` is left out unless it is taken in by name
    errors       WILDCARD_OVERLAPS
    source       manual, Wildcard Index Restrictions
    """
    wildcard = next(name for name in pattern if name.endswith("$**"))
    others = [name for name in pattern if name != wildcard]
    flags = dict(_flags(projection or {}, ""))
    is_id_taken = flags.pop("_id", False)
    if wildcard != "$**":
        overlaps = any(_meet(name, wildcard.removesuffix(".$**")) for name in others)
    elif any(flags.values()) or (is_id_taken and not flags):
        taken = [*flags, "_id"] if is_id_taken else flags
        overlaps = any(_meet(name, path) for name in others for path in taken)
    else:
        left_out = flags if is_id_taken else [*flags, "_id"]
        overlaps = not all(any(_is_within(name, path) for path in left_out) for name in others)
    if overlaps:
        raise errors.WILDCARD_OVERLAPS(pattern=shown(dict(pattern)))


def _flags(projection: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, bool]]:
    """(path, whether it is taken in) of all that a projection names."""
    for name, value in projection.items():
        if isinstance(value, Mapping):
            yield from _flags(value, f"{prefix}{name}.")
        else:
            yield prefix + name, truth(value)


def _is_within(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _meet(one: str, other: str) -> bool:
    return _is_within(one, other) or _is_within(other, one)


def _check_expiry(kind: str, pattern: Mapping[str, Any], seconds: Any) -> None:
    """`expireAfterSeconds`: a number of int32, on one field.

    errors   CANNOT_CREATE
    source   manual, TTL Indexes
    """
    if not is_number(seconds):
        raise _refusal(
            f"TTL index 'expireAfterSeconds' option must be numeric, but received a type of '{alias(seconds)}'."
        )
    number = to_double(seconds)
    if number != number:
        raise _refusal("TTL index 'expireAfterSeconds' option must be numeric, but received NaN")
    if not 0 <= to_integer(seconds) <= _EXPIRY_MAX:
        raise _refusal(
            "TTL index 'expireAfterSeconds' option must be within an acceptable range, try a lower number: "
            f"{shown(seconds)}"
        )
    if len(pattern) != 1:
        raise _refusal("TTL indexes are single-field indexes, compound indexes do not support TTL")
    if kind == WILDCARD:
        raise _refusal("Index type 'wildcard' cannot be a TTL index")


def _refusal(message: str) -> Exception:
    return errors.CANNOT_CREATE(message=message)


# How an option is kept


def _as_it_is(value: Any) -> Any:
    return value


def _whole(value: Any) -> int:
    return int(to_integer(value))


_KEPT_AS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "collation": lambda collation: parse_collation(collation).document(),
    **dict.fromkeys(("unique", "sparse", "background"), truth),
    **dict.fromkeys(
        (
            "expireAfterSeconds",
            "textIndexVersion",
            "2dsphereIndexVersion",
            "finestIndexedLevel",
            "coarsestIndexedLevel",
            "bits",
        ),
        _whole,
    ),
    **dict.fromkeys(("min", "max", "bucketSize"), to_double),
}


def _complete_sphere(definition: Definition) -> Definition:
    """errors   CANNOT_CREATE, SPHERE_COARSEST, SPHERE_FINEST, SPHERE_LEVELS"""
    version = definition.setdefault("2dsphereIndexVersion", 3)
    if version not in _SPHERE_VERSIONS:
        raise _refusal(
            f"unsupported geo index version {{ 2dsphereIndexVersion : {version} }}, only support versions: [1,2,3]"
        )
    coarsest, finest = definition.get("coarsestIndexedLevel"), definition.get("finestIndexedLevel")
    if coarsest is not None and coarsest < 0:
        raise errors.SPHERE_COARSEST()
    if finest is not None and finest > 30:
        raise errors.SPHERE_FINEST()
    if coarsest is not None and finest is not None and finest < coarsest:
        raise errors.SPHERE_LEVELS()
    return definition


def _complete_2d(definition: Definition) -> Definition:
    """errors   GEO_2D_BITS, GEO_2D_REGION"""
    bits = definition.get("bits", 26)
    low, high = definition.get("min", -180.0), definition.get("max", 180.0)
    if not 1 <= bits <= 32:
        raise errors.GEO_2D_BITS(value=bits)
    if not (low < high and math.isfinite(high - low)):
        raise errors.GEO_2D_REGION(low=shown(low), high=shown(high))
    return definition


_COMPLETE: Final[Mapping[str, Callable[[Definition], Definition]]] = {
    TEXT: complete_text_index,
    GEO_2D: _complete_2d,
    GEO_SPHERE: _complete_sphere,
}

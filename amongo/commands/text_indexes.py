"""The definition of a text index, with everything filled in that the client left out.

All text fields of the key pattern become one pair of fields, `_fts: "text", _ftsx: 1`; `weights` names them instead,
in the order of their names. Source: manual, Text Indexes; Specify Weights; Specify a Language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amongo.engine.indexes import Definition
from amongo.errors import index as errors
from amongo.mql.text import language_of
from amongo.runtime.limits import TEXT_WEIGHT
from amongo.values.numbers import to_double, truncated_integer
from amongo.values.types import is_number

_ALL_FIELDS: Final = "$**"
_RESERVED: Final = frozenset({"_fts", "_ftsx"})
_VERSIONS: Final = (1, 2, 3)


def complete_text_index(definition: Definition) -> Definition:
    """The definition as the server keeps it.

    errors   CANNOT_CREATE
    """
    pattern = definition["key"]
    _check_adjacent(pattern)
    weights = _weights(pattern, definition.get("weights"))
    language = definition.get("default_language", "english")
    if language_of(language) is None:
        raise _refusal("default_language is not valid")
    override = definition.get("language_override", "language")
    if not override or override.startswith("$") or "." in override:
        raise _refusal("language_override is not valid")
    version = definition.get("textIndexVersion", 3)
    if version not in _VERSIONS:
        raise _refusal(f"bad textIndexVersion: {version}")
    return definition | {
        "key": dict(_key(pattern)),
        "weights": weights,
        "default_language": language,
        "language_override": override,
        "textIndexVersion": version,
    }


def _check_adjacent(pattern: Mapping[str, Any]) -> None:
    """Between the text fields stands no other."""
    places = [position for position, value in enumerate(pattern.values()) if value == "text"]
    if places[-1] - places[0] >= len(places):
        raise _refusal("'text' fields in index must all be adjacent")


def _key(pattern: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of the kept key pattern; a pattern that was kept already stays as it is."""
    for name, value in pattern.items():
        if name == "_fts" or (value == "text" and name not in _RESERVED):
            yield "_fts", "text"
            yield "_ftsx", 1
        elif name == "_ftsx":
            continue
        elif abs(truncated_integer(value)) != 1:
            raise _refusal("expected value 1 or -1 for non-text key in compound index")
        else:
            yield name, value


def _weights(pattern: Mapping[str, Any], given: Any) -> dict[str, int]:
    """The weight of each text field, 1 where none is given; in the order of the names."""
    weights: dict[str, Any] = {name: 1 for name, value in pattern.items() if value == "text" and name not in _RESERVED}
    if type(given) is dict:
        for name, value in given.items():
            if not is_number(value):
                raise _refusal("weight for text index needs numeric type")
            weights[name] = value
    elif given == _ALL_FIELDS:
        weights[_ALL_FIELDS] = 1
    elif given is not None:
        raise _refusal("text index option 'weights' must be an object")
    if not weights:
        raise _refusal("text index option 'weights' must specify fields or the wildcard")
    return {name: _weight(name, weights[name]) for name in sorted(weights)}


def _weight(name: str, value: Any) -> int:
    number = to_double(value)
    if number != number or not 0 < truncated_integer(value) < TEXT_WEIGHT:
        raise _refusal(f"text index weight must be in the exclusive interval (0,{TEXT_WEIGHT}) but found: {number:g}")
    if name != _ALL_FIELDS:
        for part in name.split("."):
            if not part:
                raise _refusal("weight cannot have an empty path component")
            if part.startswith("$"):
                raise _refusal("weight cannot have path component with $ prefix")
    return truncated_integer(value)


def _refusal(message: str) -> Exception:
    return errors.CANNOT_CREATE(message=message)

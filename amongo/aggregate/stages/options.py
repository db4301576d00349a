"""The options of stages that are plain documents: which there are, of which type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.errors import command as errors
from amongo.values.types import NUMERIC_CLASSES, alias

NUMBER: Final = "number"
STRICT_BOOL: Final = "bool!"
ANY: Final = "any"


def parse_options(stage: str, spec: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The options of a stage that are given; one that is null counts as absent.

    stage    as the errors name it
    kinds    option -> alias of its type; NUMBER for any number, STRICT_BOOL for a boolean that refuses null, ANY for
             any type, null too
    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    options = {}
    for name, value in spec.items():
        kind = kinds.get(name)
        if kind is None:
            raise errors.UNKNOWN_FIELD(command=stage, field=name)
        if value is None and kind not in (STRICT_BOOL, ANY):
            continue
        if not _is_of(kind, value):
            expected = "types '[long, int, decimal, double]'" if kind == NUMBER else f"type '{kind.rstrip('!')}'"
            raise errors.WRONG_TYPE(command=stage, field=name, actual=alias(value), expected=expected)
        options[name] = value
    return options


def _is_of(kind: str, value: Any) -> bool:
    if kind == NUMBER:
        return type(value) in NUMERIC_CLASSES
    return kind == ANY or alias(value) == kind.rstrip("!")

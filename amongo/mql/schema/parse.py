"""From a schema document to its rules.

All checks happen here, with the server's error codes and in its order: names first, then title and description, then
the types, then the keywords by kind. (Source: manual, $jsonSchema.)
"""

from __future__ import annotations

from typing import Any, Final

from amongo.errors import schema as errors
from amongo.mql.schema.registry import ANNOTATIONS, KEYWORDS, UNSUPPORTED, KeywordClause
from amongo.mql.schema.rule import Rule, Schema
from amongo.mql.schema.types import TYPE_KEYWORDS, TypeRule, parse_types
from amongo.values.types import BsonType

ORDER: Final = (
    "pattern",
    "maxLength",
    "minLength",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "minItems",
    "maxItems",
    "uniqueItems",
    "items",
    "additionalItems",
    "encryptMetadata",
    "encrypt",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "enum",
)
"""The keywords in the order in which they are checked, and in which failures are told; the types come last."""

_KNOWN: Final = frozenset((*ORDER, *TYPE_KEYWORDS, *ANNOTATIONS))


def parse_schema(document: dict[str, Any], *, is_root: bool = True) -> Schema:
    """Parse a schema.

    is_root   whether it describes whole documents, so that what it says of other values means nothing
    errors    those of `amongo.errors.schema`; UNKNOWN_TYPE_ALIAS, REGEX_INVALID
    """
    for name in document:
        if name not in _KNOWN:
            raise errors.KEYWORD_UNSUPPORTED(name=name) if name in UNSUPPORTED else errors.KEYWORD_UNKNOWN(name=name)
    for name in sorted(ANNOTATIONS):
        if name in document and type(document[name]) is not str:
            raise errors.ANNOTATION_NOT_A_STRING(name=name)
    _check_together(document)
    types = parse_types(document)
    clauses = (KeywordClause(name, document[name], document, is_root) for name in ORDER if name in document)
    rules: list[Rule] = [rule for clause in clauses if (rule := KEYWORDS[clause.keyword](clause)) is not None]
    types_fail = is_root and (_excludes_objects(types) or "encrypt" in document)
    if types is not None and not is_root:
        rules.append(types)
    annotations: dict[str, str] = {name: document[name] for name in ANNOTATIONS if name in document}
    return Schema(document, annotations, tuple(rules), types_fail)


def _check_together(document: dict[str, Any]) -> None:
    """Refuse keywords that exclude each other.

    errors   KEYWORDS_EXCLUSIVE, ENCRYPT_HAS_TYPE
    """
    if "type" in document and "bsonType" in document:
        raise errors.KEYWORDS_EXCLUSIVE(one="type", other="bsonType")
    for name in TYPE_KEYWORDS:
        if name in document and "encrypt" in document:
            raise errors.ENCRYPT_HAS_TYPE(other=name)


def _excludes_objects(types: TypeRule | None) -> bool:
    return types is not None and BsonType.OBJECT not in types.types

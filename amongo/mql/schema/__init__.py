"""Schemas (`$jsonSchema`): parsed once to rules, bound once to a closure; a rule can tell why a value fails it."""

from amongo.mql.schema import arrays, encryption, logical, objects, other_properties, scalars
from amongo.mql.schema.encryption import ENCRYPTION_KEYWORDS
from amongo.mql.schema.parse import ORDER, parse_schema
from amongo.mql.schema.registry import ANNOTATIONS, KEYWORDS, UNSUPPORTED
from amongo.mql.schema.rule import Report, Schema

__all__ = ["ANNOTATIONS", "ENCRYPTION_KEYWORDS", "KEYWORDS", "ORDER", "UNSUPPORTED", "Report", "Schema", "parse_schema"]

FAMILIES = (arrays, encryption, logical, objects, other_properties, scalars)
"""The modules whose import fills the registry."""

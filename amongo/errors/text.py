"""Errors of text search: the operator `$text`, text indexes, languages."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# The operator
NEEDS_OBJECT = condition(ErrorCode.BadValue, "$text expects an object")
SEARCH_MISSING = condition(ErrorCode.NoSuchKey, 'Missing expected field "$search"')
OPTION_TYPE = condition(ErrorCode.TypeMismatch, '"{name}" had the wrong type. Expected {expected}, found {actual}')
UNKNOWN_OPTION = condition(ErrorCode.BadValue, "extra fields in $text")
LANGUAGE_UNSUPPORTED = condition(ErrorCode.BadValue, 'unsupported language: "{name}" for text index version 3')
NOT_ALLOWED_HERE = condition(ErrorCode.BadValue, "$text is not allowed in this context")
TWICE = condition(ErrorCode.BadValue, "Too many text expressions")
IN_NOR = condition(ErrorCode.BadValue, "text expression not allowed in nor")
WITH_NEAR = condition(ErrorCode.BadValue, "text and geoNear not allowed in same query")
WITH_HINT = condition(ErrorCode.BadValue, "text and hint not allowed in same query")
WITH_NATURAL = condition(ErrorCode.BadValue, "text expression not allowed with $natural sort order")

# The index
INDEX_REQUIRED = condition(ErrorCode.IndexNotFound, "text index required for $text query")
INDEX_UNUSABLE = condition(
    ErrorCode.NoQueryExecutionPlans,
    "error processing query: ns={namespace} planner returned error :: caused by :: failed to use text index to satisfy "
    "$text query (if text index is compound, are equality predicates given for all prefix fields?)",
)
UNINDEXED_BRANCH = condition(
    ErrorCode.NoQueryExecutionPlans,
    "error processing query: ns={namespace} planner returned error :: caused by :: Failed to produce a solution for "
    "TEXT under OR - other non-TEXT clauses under OR have to be indexed as well.",
)
FIELD_IS_ARRAY = condition(
    ErrorCode.CannotBuildIndexKeys, "Field '{path}' of text index contains an array in document: {document}"
)
LANGUAGE_NOT_STRING = condition(17261, "found language override field in document with non-string type")
LANGUAGE_UNKNOWN = condition(17262, "language override unsupported: {name}")

# What the server can and this installation cannot
NEEDS_STEMMER = condition(
    ErrorCode.CommandNotSupported,
    "text search in the language '{language}' needs the library snowballstemmer: install amongo with its extra 'text'",
)

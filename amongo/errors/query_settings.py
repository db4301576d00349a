"""Errors of query settings (source: manual, setQuerySettings, removeQuerySettings; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# What the settings are for
HASH_DIGITS = condition(ErrorCode.BadValue, "'{value}' is not a hexadecimal number with an even number of digits")
HASH_LENGTH = condition(ErrorCode.InvalidLength, "A query shape hash has 32 bytes, but got {count}")
NOT_A_QUERY = condition(7746402, "QueryShape can not be computed for command: '{name}'")
INTERNAL_DATABASE = condition(8584900, "setQuerySettings command cannot be used on internal databases")
SYSTEM_COLLECTION = condition(8584901, "setQuerySettings command cannot be used on system collections")
BY_ID = condition(7746606, "setQuerySettings command cannot be used on find queries eligible for IDHACK")

# What they say
NAMESPACE_WITHOUT_DATABASE = condition(8727500, "settings.indexHints.ns.db is required")
NAMESPACE_WITHOUT_COLLECTION = condition(8727501, "settings.indexHints.ns.coll is required")
EMPTY = condition(8727502, "settings field in setQuerySettings command cannot be empty")
ONLY_DEFAULTS = condition(7746604, "the resulting settings cannot be empty or contain only default values")
HINTED_TWICE = condition(
    7746608, "In 'indexHints', the namespace '{namespace}' stands twice; state all its indexes at once"
)
HINT_TYPE = condition(ErrorCode.FailedToParse, "Hint must be a string or an object")
TOO_LARGE = condition(
    ErrorCode.BSONObjectTooLarge, "all query settings together have {size} bytes, and may have {limit}"
)

# What they do
REJECTED = condition(ErrorCode.QueryRejectedBySettings, "Query rejected by admin query settings")

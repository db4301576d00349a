"""Errors of collMod (source: MongoDB manual, collMod)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NOT_ON_VIEW = condition(ErrorCode.InvalidOptions, "option not supported on a view: {name}")
NOT_ON_SERIES = condition(ErrorCode.InvalidOptions, "option not supported on a time-series collection: {name}")
ONLY_ON_VIEW = condition(ErrorCode.InvalidOptions, "option only supported on a view: {name}")
ONLY_ON_SERIES = condition(ErrorCode.InvalidOptions, "option only supported on a time-series collection: {name}")
ONLY_ON_CLUSTERED = condition(
    ErrorCode.InvalidOptions, "'expireAfterSeconds' option is only supported on collections clustered by _id"
)
NOT_CAPPED = condition(ErrorCode.InvalidOptions, "Collection must be capped.")
OPLOG = condition(
    ErrorCode.InvalidOptions,
    "Cannot resize the oplog using this command. Use the 'replSetResizeOplog' command instead.",
)
NOT_OFF = condition(
    ErrorCode.InvalidOptions,
    "Invalid string value for the 'clusteredIndex::expireAfterSeconds' option. Got: '{value}'. Accepted value is 'off'",
)
NAME_AND_PATTERN = condition(ErrorCode.InvalidOptions, "Cannot specify both key pattern and name.")
NO_NAME_NOR_PATTERN = condition(ErrorCode.InvalidOptions, "Must specify either index name or key pattern.")
NOTHING_TO_CHANGE = condition(ErrorCode.InvalidOptions, "no expireAfterSeconds, hidden, unique, or prepareUnique field")
UNIQUE_BOTH_WAYS = condition(
    ErrorCode.InvalidOptions, "collMod does not support 'unique' and 'forceNonUnique' options at the same time"
)
TTL_ON_SERIES = condition(
    ErrorCode.InvalidOptions,
    "TTL indexes are not supported for time-series collections. Please refer to the documentation and use the "
    "top-level 'expireAfterSeconds' option instead",
)
TTL_ON_CAPPED = condition(ErrorCode.InvalidOptions, "TTL indexes are not supported for capped collections.")
TTL_ON_ID = condition(ErrorCode.InvalidOptions, "the _id field does not support TTL indexes")
TTL_ON_SEVERAL_FIELDS = condition(
    ErrorCode.InvalidOptions, "TTL indexes are single-field indexes, compound indexes do not support TTL"
)
TTL_OUT_OF_RANGE = condition(
    ErrorCode.InvalidOptions,
    "TTL index 'expireAfterSeconds' option must be within an acceptable range, try a lower number: {value}",
)
HIDDEN_CLUSTERED = condition(6011800, "The 'hidden' option is not supported for a clusteredIndex")
HIDDEN_ON_SYSTEM = condition(ErrorCode.BadValue, "Can't hide index on system collection")
HIDDEN_ID = condition(ErrorCode.BadValue, "can't hide _id index")
INDEX_NOT_FOUND = condition(ErrorCode.IndexNotFound, "cannot find index {index} for ns {namespace}")
AMBIGUOUS_PATTERN = condition(
    ErrorCode.AmbiguousIndexKeyPattern,
    "index keyPattern {pattern} matches {count} indexes, must use index name. Conflicting indexes:{one}, {other}",
)
NOT_NON_UNIQUE = condition(ErrorCode.BadValue, "Cannot make index non-unique")
FORCE_FALSE = condition(ErrorCode.BadValue, "'forceNonUnique: false' is not supported")
NOT_PREPARED = condition(
    ErrorCode.InvalidOptions,
    "Cannot make index unique with 'prepareUnique=false'. Run collMod to set it first.",
)
PREPARE_ALONE = condition(ErrorCode.InvalidOptions, "prepareUnique cannot be combined with any other modification.")
HAS_DUPLICATES = condition(
    ErrorCode.CannotConvertIndexToUnique,
    "Cannot convert the index to unique. Please resolve conflicting documents before running collMod again.",
)
DRY_RUN_WITHOUT_INDEX = condition(ErrorCode.InvalidOptions, "dry run mode requires an valid index modification.")
DRY_RUN_WITHOUT_UNIQUE = condition(
    ErrorCode.InvalidOptions, "dry run mode requires an index modification with unique: true."
)
DRY_RUN_ALONE = condition(
    ErrorCode.InvalidOptions, "unique: true cannot be combined with any other modification in dry run mode."
)

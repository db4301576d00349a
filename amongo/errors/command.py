"""Errors of commands: how they are addressed, parsed, interrupted."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import ServerError, condition

# Interruption
MAX_TIME_EXPIRED = condition(ErrorCode.MaxTimeMSExpired, "operation exceeded time limit")
INTERRUPTED = condition(ErrorCode.Interrupted, "{reason}")

# Dispatch
COMMAND_NOT_FOUND = condition(ErrorCode.CommandNotFound, "no such command: '{name}'")
ADMIN_ONLY = condition(ErrorCode.Unauthorized, "{name} may only be run against the admin database.")
NOT_SUPPORTED_YET = condition(ErrorCode.CommandNotSupported, "{what} is not in amongo yet: {reason}")
NOT_IN_TRANSACTION = condition(
    ErrorCode.OperationNotSupportedInTransaction, "Cannot run '{command}' in a multi-document transaction."
)


# Stable API
API_WITHOUT_VERSION = condition(4886600, "Provided {name} without passing apiVersion")
API_VERSION = condition(ErrorCode.APIVersionError, 'API version must be "{version}"')
COMMAND_NOT_IN_API = condition(
    ErrorCode.APIStrictError,
    "Provided apiStrict:true, but the command {name} is not in API Version {version}. Information on supported "
    "commands and migrations in API Version {version} can be found at "
    "https://dochub.mongodb.org/core/manual-versioned-api",
)

# explain
EXPLAIN_UNKNOWN = condition(ErrorCode.CommandNotFound, "Explain failed due to unknown command: {name}")
EXPLAIN_REFUSED = condition(ErrorCode.IllegalOperation, "Cannot explain cmd: {name}")
EXPLAIN_DATABASE = condition(
    ErrorCode.InvalidNamespace, "Mismatched $db in explain command. Expected {expected} but got {actual}"
)
EXPLAINED_BATCH = condition(ErrorCode.InvalidLength, "explained write batches must be of size 1")

# What cannot be read
INVALID_BSON = condition(ErrorCode.InvalidBSON, "invalid BSON: {reason}")
BSON_TOO_DEEP = condition(ErrorCode.Overflow, "BSONObj exceeds maximum nested object depth")

# Fields of a command
UNKNOWN_FIELD = condition(40415, "BSON field '{command}.{field}' is an unknown field.")
DUPLICATE_FIELD = condition(40413, "BSON field '{command}.{field}' is a duplicate field")
MISSING_FIELD = condition(40414, "BSON field '{command}.{field}' is missing but a required field")
WRONG_TYPE = condition(
    ErrorCode.TypeMismatch,
    "BSON field '{command}.{field}' is the wrong type '{actual}', expected {expected}",
)
OUT_OF_BOUNDS = "BSON field '{field}' value must be {relation} {bound}, actual value '{value}'"
BAD_VALUE = condition(ErrorCode.BadValue, "{message}")
NOT_ENUMERATED = condition(ErrorCode.BadValue, "Enumeration value '{value}' for field '{field}' is not a valid value.")
FAILED_TO_PARSE = condition(ErrorCode.FailedToParse, "{message}")
INVALID_OPTIONS = condition(ErrorCode.InvalidOptions, "{message}")

# Namespaces
INVALID_NAMESPACE = condition(ErrorCode.InvalidNamespace, "Invalid namespace specified '{namespace}'")
INVALID_DATABASE_NAME = condition(ErrorCode.InvalidNamespace, "Invalid database name: '{name}'")
EMPTY_DATABASE_NAME = condition(28539, "Database name cannot be empty")
DATABASE_NAME_CHARACTER = condition(13280, "Invalid db name: {name}")
COLLECTION_NAME_TYPE = condition(ErrorCode.InvalidNamespace, "collection name has invalid type {actual}")
NAMESPACE_NOT_FOUND = condition(ErrorCode.NamespaceNotFound, "{message}")
NAMESPACE_EXISTS = condition(ErrorCode.NamespaceExists, "{message}")
COLLECTION_NAME_DOT = condition(ErrorCode.InvalidNamespace, "Collection names cannot start with '.': {name}")
COLLECTION_NAME_NUL = condition(ErrorCode.InvalidNamespace, "namespaces cannot have embedded null characters")
NAMESPACE_TOO_LONG = condition(
    ErrorCode.InvalidNamespace, "Fully qualified namespace is too long. Namespace: {namespace} Max: {limit}"
)
INVALID_COLLECTION_NAME = condition(ErrorCode.InvalidNamespace, "Invalid collection name: {name}")
INVALID_SYSTEM_NAMESPACE = condition(ErrorCode.InvalidNamespace, "Invalid system namespace: {namespace}")
CANNOT_WRITE_TO = condition(ErrorCode.InvalidNamespace, "cannot write to '{namespace}'")
DATABASE_DIFFERS_IN_CASE = condition(
    ErrorCode.DatabaseDifferCase,
    "db already exists with different case already have: [{existing}] trying to create [{name}]",
)
COMPACT_NEEDS_FORCE = condition(
    ErrorCode.IllegalOperation,
    "will not run compact on an active replica set primary as this will slow down other running operations. use "
    "force:true to force",
)
OPERATION_FAILED = condition(ErrorCode.OperationFailed, "{message}")
ILLEGAL_OPERATION = condition(ErrorCode.IllegalOperation, "{message}")
COLLECTION_UUID_MISMATCH = condition(ErrorCode.CollectionUUIDMismatch, "Collection UUID does not match that specified")
INVALID_UUID = condition(ErrorCode.InvalidUUID, "{message}")
DROP_DATABASE_TAKES_ONE = condition(5255100, "Have to pass 1 as 'dropDatabase' parameter")

# Options of create
FILTER_BY_DISTANCE = condition(5626500, "$geoNear, $near, and $nearSphere are not allowed in this context")
CLUSTERED_CAPPED = condition(6049200, "A capped collection cannot be clustered by '_id'")
CLUSTERED_MAX = condition(6049204, "'max' is not supported on a clustered collection")
CLUSTERED_VIEW = condition(6026500, "The 'clusteredIndex' option is not supported with views")
CLUSTERED_LEGACY = condition(
    5979703,
    "The 'clusteredIndex' legacy format {{clusteredIndex: <bool>}} is only supported for time-series collections",
)
CLUSTERED_KEY = condition(
    ErrorCode.InvalidIndexSpecificationOption, "The clusteredIndex option is only supported for key: {{_id: 1}}"
)
CLUSTERED_NOT_UNIQUE = condition(5979700, "The clusteredIndex option requires unique: true to be specified")
CLUSTERED_VERSION = condition(5979704, "The clusteredIndex option requires v: 2")

# Diagnosis
INDEX_NOT_IN_API = condition(ErrorCode.APIStrictError, "The index with name {name} is not allowed in API version 1.")
STAGE_NOT_IN_API = condition(
    ErrorCode.APIStrictError, "stage {name} is not allowed with 'apiStrict: true' in API Version 1"
)
STREAM_OPTION_NOT_IN_API = condition(
    ErrorCode.APIStrictError, "The '{option}' parameter to $changeStream is not supported in API Version 1"
)
NO_PARAMETER = condition(ErrorCode.InvalidOptions, "no option found to get")

AGGREGATE_NOTHING = condition(ErrorCode.InvalidNamespace, "{{aggregate: 1}} is not valid for an empty pipeline.")

# Variables of `let`
RESERVED_VARIABLE = condition(4738901, "Attempt to set internal constant: {name}")
LET_READS_DOCUMENT = condition(
    4890500,
    "Command let Expression tried to access a field, but this is not allowed because Command let Expressions run "
    "before the query examines any documents.",
)

# Results
DISTINCT_TOO_LARGE = condition(17217, "distinct too big, {limit_mb}mb cap")

# Cursors
CURSOR_NOT_FOUND = condition(ErrorCode.CursorNotFound, "cursor id {cursor_id} not found")
CURSOR_WRONG_NAMESPACE = condition(
    ErrorCode.Unauthorized,
    "Requested getMore on namespace '{namespace}', but cursor belongs to a different namespace {actual}",
)
CURSOR_WRONG_SESSION = condition(
    50738, "Cannot run getMore on cursor {cursor_id} in another session than it was made in"
)
COLLECTION_DROPPED = condition(ErrorCode.QueryPlanKilled, "collection dropped: {namespace}")
COLLECTION_RENAMED = condition(ErrorCode.QueryPlanKilled, "collection renamed from '{source}' to '{target}'")
NOT_AWAITING = condition(ErrorCode.BadValue, "cannot set maxTimeMS on getMore command for a non-awaitData cursor")
CURSOR_IN_USE = condition(ErrorCode.CursorInUse, "cursor id {cursor_id} is already in use")
RESUME_RECORD_GONE = condition(
    ErrorCode.KeyNotFound,
    "Failed to resume collection scan: the recordId from which we are attempting to resume no longer exists in the "
    "collection: RecordId({record_id})",
)
TOO_MANY_CURSORS = condition(ErrorCode.ResourceExhausted, "more than {limit} cursors are open")

# Writes
DUPLICATE_KEY = condition(
    ErrorCode.DuplicateKey, "E11000 duplicate key error collection: {namespace} index: {index} dup key: {key}"
)
DOCUMENT_TOO_LARGE = condition(
    ErrorCode.BSONObjectTooLarge, "object to insert too large. size in bytes: {size}, max size: {limit}"
)
UPDATED_TOO_LARGE = condition(17419, "Resulting document after update is larger than {limit}")
INVALID_ID_TYPE = condition(ErrorCode.InvalidIdField, "The '_id' value cannot be of type {kind}")
NESTED_TOO_DEEP = condition(ErrorCode.Overflow, "cannot insert document because it exceeds {limit} levels of nesting")
EMPTY_BATCH = condition(
    ErrorCode.InvalidLength, "Write batch sizes must be between 1 and {limit}. Got {count} operations."
)
WRITE_CONFLICT = condition(
    ErrorCode.WriteConflict, "the document was changed by others {limit} times while it was being written"
)
BULK_NAMESPACE_INDEX = condition(
    ErrorCode.BadValue, "BulkWrite ops entry {{ {kind}: {place}, … }} has an invalid nsInfo index."
)
UPDATE_KIND = condition(ErrorCode.FailedToParse, "Update argument must be either an object or an array")
UPDATE_CONSTANTS = condition(51198, "Constant values may only be specified for pipeline updates")
MULTI_SORT = condition(ErrorCode.FailedToParse, "Cannot specify sort with multi=true")
ID_DOLLAR_FIELD = condition(
    ErrorCode.DollarPrefixedFieldName,
    "_id fields may not contain '$'-prefixed fields: {name} is not valid for storage.",
)
MULTI_REPLACEMENT = condition(ErrorCode.FailedToParse, "multi update is not supported for replacement-style update")
DELETE_LIMIT = condition(ErrorCode.FailedToParse, "The limit field in delete objects must be 0 or 1. Got {value}")


def out_of_bounds(code: int, field: str, relation: str, bound: int, value: int) -> ServerError:
    """The error of a number beyond its bound; the server's number for it differs by field."""
    return ServerError(code, OUT_OF_BOUNDS.format(field=field, relation=relation, bound=bound, value=value))

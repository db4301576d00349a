"""Errors of capped and clustered collections, and of the cursors that wait for what comes into them."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Limits
SIZE_NOT_POSITIVE = condition(ErrorCode.InvalidOptions, "Capped collection size must be greater than zero")
SIZE_TOO_LARGE = condition(ErrorCode.BadValue, "size cannot exceed 1 PB")
SIZE_OUT_OF_BOUNDS = condition(ErrorCode.BadValue, "Invalid size {value}: it must be between 1 and {limit}")
COUNT_TOO_LARGE = condition(ErrorCode.BadValue, "max in a capped collection has to be < 2^31 or not set")

# Making a capped collection of another
NAME_NOT_STRING = condition(ErrorCode.TypeMismatch, "'{field}' must be of type String")
INVALID_SOURCE_NAME = condition(ErrorCode.InvalidNamespace, "Invalid source collection name: {name}")
INVALID_TARGET_NAME = condition(ErrorCode.InvalidNamespace, "Invalid target collection name: {name}")
DATABASE_NOT_FOUND = condition(ErrorCode.NamespaceNotFound, "database {database} not found")
SOURCE_NOT_FOUND = condition(ErrorCode.NamespaceNotFound, "source collection {namespace} does not exist")
SOURCE_IS_VIEW = condition(
    ErrorCode.CommandNotSupportedOnView, "cloneCollectionAsCapped not supported for views: {namespace}"
)
TARGET_EXISTS = condition(
    ErrorCode.NamespaceExists,
    "cloneCollectionAsCapped failed - destination collection {target} already exists. source collection: {source}",
)
NOT_CONVERTIBLE = condition(ErrorCode.IllegalOperation, "the system collection {namespace} cannot be capped")
SYSTEM_NOT_CONVERTIBLE = condition(
    ErrorCode.BadValue, "the system collection {namespace} belongs to the server and cannot be capped"
)

# Tailable cursors
TAILABLE_SORT = condition(ErrorCode.BadValue, "cannot use tailable option with a sort other than {{$natural: 1}}")
TAILABLE_SINGLE_BATCH = condition(ErrorCode.BadValue, "cannot use tailable option with the 'singleBatch' option")
AWAITS_WITHOUT_TAILABLE = condition(ErrorCode.FailedToParse, "Cannot set 'awaitData' without also setting 'tailable'")
TAILABLE_NOT_CAPPED = condition(
    ErrorCode.BadValue,
    "error processing query: ns={namespace} tailable cursor requested on non capped collection",
)
CAPPED_POSITION_LOST = condition(
    ErrorCode.CappedPositionLost,
    "CollectionScan died due to position in capped collection being deleted. Last seen record id: "
    "RecordId({record_id})",
)
CURSOR_KILLED = condition(ErrorCode.CursorKilled, "operation was interrupted because its cursor was killed")

# Clustered collections
RECORD_KEY_TOO_LARGE = condition(5894900, "The size of the RecordId ({size}) exceeds the maximum allowed: {limit}")
"""The key of a clustered collection's record is its `_id`."""

# A duplicate `_id` of a clustered collection is reported by reading the record's key without its types; of these
# numbers, the server cannot tell which type they had.
DUPLICATE_NAN = condition(50819, "Invalid type bits for numeric NaN")
DUPLICATE_LARGE = condition(50826, "Unexpected type of large number.")
DUPLICATE_HUGE = condition(50818, "Invalid type bits for decimal number.")
DUPLICATE_FRACTION = condition(50810, "Expected type Decimal.")
DUPLICATE_SMALL = condition(50825, "Unexpected type for small number, expected decimal.")
DUPLICATE_TINY = condition(50823, "Expected decimal continuation.")

"""Errors of cluster parameters (source: manual, setClusterParameter, getClusterParameter; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NO_NAMES = condition(
    ErrorCode.BadValue, "Must supply at least one cluster server parameter name to getClusterParameter"
)
NOTHING_TO_SET = condition(ErrorCode.NoSuchKey, "No cluster parameter provided")
SETS_ONE = condition(ErrorCode.InvalidOptions, "setClusterParameter only supports setting exactly one parameter")
UNKNOWN_CLUSTER_PARAMETER = condition(ErrorCode.NoSuchKey, "Unknown server parameter: {name}")
VALUE_TYPE = condition(ErrorCode.BadValue, "Cluster parameter value must be an object, but '{name}' is of type {kind}")
VALUE_DOLLAR = condition(
    ErrorCode.DollarPrefixedFieldName,
    "The dollar ($) prefixed field '{name}' in '{path}' is not valid for storage.",
)

# changeStreamOptions
NOT_PARSED = condition(ErrorCode.BadValue, "Failed parsing new changeStreamOptions value{reason}")
NOT_OFF = condition(ErrorCode.BadValue, "Non-numeric value of 'expireAfterSeconds' should be 'off'")
NOT_POSITIVE = condition(ErrorCode.BadValue, "Numeric value of 'expireAfterSeconds' should be positive")

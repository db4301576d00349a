"""Errors of the expressions that hash (source: MongoDB manual, $hash, $hexHash)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

HASH_NEEDS_OBJECT = condition(ErrorCode.FailedToParse, "{name} expects an object of named arguments")
HASH_UNKNOWN_FIELD = condition(ErrorCode.FailedToParse, "{name} found an unknown argument: {field}")
HASH_WITHOUT_FIELD = condition(ErrorCode.FailedToParse, "Missing '{field}' parameter to {name}")
HASH_INPUT_TYPE = condition(
    10754000, "$hash requires that 'input' be a valid UTF-8 string or binData, found: {kind} with value {value}"
)
HASH_ALGORITHM_TYPE = condition(
    10754001, "$hash requires that 'algorithm' be a string, found: {kind} with value {value}"
)
HASH_ALGORITHM_UNKNOWN = condition(
    10754002,
    "Currently, the only supported algorithms for $hash are 'md5', 'sha256' and 'xxh64', found: {algorithm}",
)

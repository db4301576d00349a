"""Errors of $redact, $bucketAuto and $graphLookup (source: MongoDB manual, the pages of these stages; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# $redact
REDACT_RESULT = condition(
    17053,
    "$redact's expression should not return anything aside from the variables $$KEEP, $$DESCEND, and $$PRUNE, "
    "but returned {value}",
)

# $bucketAuto
BUCKET_AUTO_GROUP_BY = condition(
    40239,
    "The $bucketAuto 'groupBy' field must be defined as a $-prefixed path or an expression object, but found: {value}",
)
BUCKET_AUTO_NOT_OBJECT = condition(40240, "The argument to $bucketAuto must be an object, but found type: {kind}.")
BUCKET_AUTO_COUNT_TYPE = condition(
    40241, "The $bucketAuto 'buckets' field must be a numeric value, but found type: {kind}."
)
BUCKET_AUTO_COUNT_NOT_INT = condition(
    40242, "The $bucketAuto 'buckets' field must be representable as a 32-bit integer, but found {value}"
)
BUCKET_AUTO_COUNT_NOT_POSITIVE = condition(
    40243, "The $bucketAuto 'buckets' field must be greater than 0, but found: {value}"
)
BUCKET_AUTO_OUTPUT_TYPE = condition(40244, "The $bucketAuto 'output' field must be an object, but found type: {kind}.")
BUCKET_AUTO_UNKNOWN_FIELD = condition(40245, "Unrecognized option to $bucketAuto: {field}.")
BUCKET_AUTO_INCOMPLETE = condition(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified.")
UNKNOWN_GRANULARITY = condition(40257, "Unknown rounding granularity '{name}'")
GRANULARITY_NOT_NUMERIC = condition(
    40258,
    "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found a value with type: {kind}",
)
GRANULARITY_NAN = condition(
    40259, "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found a NaN"
)
GRANULARITY_NEGATIVE = condition(
    40260, "$bucketAuto can specify a 'granularity' with non-negative numbers only, but found a negative number"
)
GRANULARITY_TYPE = condition(40261, "The $bucketAuto 'granularity' field must be a string, but found type: {kind}.")

# $graphLookup
GRAPH_INVALID = condition(ErrorCode.FailedToParse, "{message}")
GRAPH_MEMORY = condition(40099, "$graphLookup reached maximum memory consumption")
GRAPH_DEPTH_TYPE = condition(40100, "maxDepth requires numeric argument, found {kind}")
GRAPH_DEPTH_NEGATIVE = condition(40101, "maxDepth requires a nonnegative argument, found: {value}")
GRAPH_DEPTH_NOT_LONG = condition(40102, "maxDepth could not be represented as a long long: {value}")
GRAPH_STRING = condition(40103, "expected string as argument for {field}, found: {kind}")
GRAPH_UNKNOWN_FIELD = condition(40104, "Unknown argument to $graphLookup: {field}")
GRAPH_INCOMPLETE = condition(
    40105,
    "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and 'connectToField' to be specified.",
)
GRAPH_FILTER_TYPE = condition(40185, "restrictSearchWithMatch must be an object, found {kind}")
GRAPH_WITHOUT_ID = condition(
    40271, "Documents in the '{namespace}' namespace must contain an _id for de-duplication in $graphLookup"
)

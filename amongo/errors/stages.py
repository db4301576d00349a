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
BUCKET_AUTO_MEMORY = condition(
    ErrorCode.ExceededMemoryLimit, "{name} used too much memory for one bucket and cannot spill to disk"
)
FACET_TOO_LARGE = condition(
    4031700, "document constructed by {name} is too large, exceeding the limit of 104857600 bytes"
)
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

# $rankFusion, $scoreFusion, $score
FUSION_NOT_OBJECT = condition(ErrorCode.FailedToParse, "The {name} stage specification must be an object, found {kind}")
FUSION_NOT_FIRST = condition(10170100, "{name} is only valid as the first stage in a pipeline")
FUSION_NESTED = condition(10473002, "{name} input pipeline has a nested hybrid search stage ({nested}).")
FUSION_ON_SERIES = condition(10557301, "{name} is unsupported for timeseries collections")
FUSION_NO_PIPELINES = condition(9834302, "{name} must have at least one input pipeline")
FUSION_EMPTY_PIPELINE = condition(9834300, "{name} input pipeline cannot be empty: {pipeline}")
RANK_FUSION_UNRANKED = condition(
    9191100,
    "All subpipelines to the $rankFusion stage must begin with one of $search, $vectorSearch, $geoNear, "
    "or have a custom $sort in the pipeline: {pipeline}",
)
RANK_FUSION_CHANGES = condition(
    9191103, "$rankFusion input pipelines must only select documents, but {pipeline} has {stage}"
)
SCORE_FUSION_UNSCORED = condition(
    9402500,
    "All subpipelines to the $scoreFusion stage must begin with one of $search, $vectorSearch, "
    "or have a custom $score in the pipeline: {pipeline}",
)
SCORE_FUSION_CHANGES = condition(
    9402502, "$scoreFusion input pipelines must only select or score documents, but {pipeline} has {stage}"
)
SCORE_FUSION_WEIGHTS = condition(10017300, "combination.weights and combination.expression cannot both be specified")
SCORE_FUSION_EXPRESSION = condition(
    10017301, "combination.expression has to be specified, and only with method 'expression'"
)
WEIGHTS_TOO_MANY = condition(
    9460301, "{name} has {weights} weights for {pipelines} input pipelines: there must not be more"
)
WEIGHT_UNKNOWN = condition(9967500, "{name} has a weight for '{pipeline}', which is not one of its input pipelines")
WEIGHT_NOT_NUMBER = condition(13118, "{name} weight of '{pipeline}' must be a number, found {kind}")
WEIGHT_NEGATIVE = condition(9460300, "{name} weight of '{pipeline}' must be non-negative, but is {value}")
SCORE_NOT_NUMBER = condition(ErrorCode.TypeMismatch, "$score has to compute a number, found {kind}")
SCORE_WEIGHT = condition(ErrorCode.BadValue, "$score weight must be between 0 and 1, but is {value}")

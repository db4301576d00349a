"""Errors of pipelines and their stages (source: MongoDB manual, Aggregation Stages; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# The pipeline as a whole
PIPELINE_NOT_ARRAY = condition(ErrorCode.TypeMismatch, "'pipeline' option must be specified as an array")
STAGE_NOT_OBJECT = condition(ErrorCode.TypeMismatch, "Each element of the 'pipeline' array must be an object")
STAGE_FIELD_COUNT = condition(40323, "A pipeline stage specification object must contain exactly one field.")
UNKNOWN_STAGE = condition(40324, "Unrecognized pipeline stage name: '{name}'")
STAGE_NOT_YET = condition(ErrorCode.CommandNotSupported, "{name} is not in amongo yet: {reason}")
PIPELINE_TOO_LONG = condition(7749501, "Pipeline length must be no longer than {limit} stages.")
PIPELINE_TOO_DEEP = condition(
    ErrorCode.MaxSubPipelineDepthExceeded, "Maximum number of nested sub-pipelines exceeded. Limit is {limit}"
)
MEMORY_EXCEEDED = condition(
    ErrorCode.QueryExceededMemoryLimitNoDiskUseAllowed,
    "Exceeded memory limit for {name}, but didn't allow external sort. Pass allowDiskUse:true to opt in.",
)
GROUP_TOO_LARGE = condition(
    ErrorCode.ExceededMemoryLimit,
    "$group used too much memory for one group and cannot spill to disk. Memory limit: {limit} bytes",
)
SPILL_TOO_LARGE = condition(
    ErrorCode.ExceededMemoryLimit, "A stage put aside more on disk than it may. Limit: {limit} bytes"
)

# Where a stage may stand
ONLY_FIRST = condition(40602, "{name} is only valid as the first stage in a pipeline")
ONLY_LAST = condition(40601, "{name} can only be the final stage in the pipeline")
NOT_IN_FACET = condition(40600, "{name} is not allowed to be used within a $facet stage")
NOT_IN_LOOKUP = condition(51047, "{name} is not allowed within a $lookup's sub-pipeline")
NOT_IN_UNION = condition(31441, "{name} is not allowed within a $unionWith's sub-pipeline")
NEEDS_COLLECTION = condition(
    ErrorCode.InvalidNamespace, "{{aggregate: 1}} is not valid for '{name}'; a collection is required."
)
NEEDS_NO_COLLECTION = condition(ErrorCode.InvalidNamespace, "'{name}' can only be run with {{aggregate: 1}}")
CHANGE_STREAM_NESTED = condition(40573, "{name} is not allowed within a sub-pipeline")
NOT_IN_CHANGE_STREAM = condition(ErrorCode.IllegalOperation, "{name} is not permitted in a $changeStream pipeline")
ONLY_IN_CHANGE_STREAM = condition(ErrorCode.IllegalOperation, "{name} can only be used in a $changeStream pipeline")
SPLIT_NOT_EMPTY = condition(7182800, "$changeStreamSplitLargeEvent spec should be an empty object")
SPLIT_NOT_LAST = condition(7182802, "{name} must be the last stage in the pipeline")
SESSIONS_NAMESPACE = condition(ErrorCode.InvalidNamespace, "{name} may only be run against config.system.sessions")

# $match, $limit, $skip, $sort, $sample
MATCH_NOT_OBJECT = condition(15959, "the match filter must be an expression in an object")
LIMIT_NOT_INTEGER = condition(
    5107201, "invalid argument to $limit stage: Expected a non-negative number that fits in 64 bits: $limit: {value}"
)
LIMIT_NOT_POSITIVE = condition(15958, "the limit must be positive")
SKIP_NOT_INTEGER = condition(
    5107200, "invalid argument to $skip stage: Expected a non-negative number that fits in 64 bits: $skip: {value}"
)
SORT_NOT_OBJECT = condition(15973, "the $sort key specification must be an object")
SORT_EMPTY = condition(15976, "$sort stage must have at least one sort key")
SORT_DUPLICATE = condition(7472500, "$sort key must not contain duplicate keys (field: {field})")
SAMPLE_NOT_OBJECT = condition(28745, "the $sample stage specification must be an object")
SAMPLE_SIZE_TYPE = condition(28746, "size argument to $sample must be a number")
SAMPLE_SIZE_NOT_POSITIVE = condition(28747, "size argument to $sample must be a positive integer")
SAMPLE_UNKNOWN_FIELD = condition(28748, "unrecognized option to $sample: {field}")
SAMPLE_WITHOUT_SIZE = condition(28749, "$sample stage must specify a size")

# $count, $sortByCount
COUNT_NOT_STRING = condition(40156, "the count field must be a non-empty string")
COUNT_EMPTY = condition(40157, "the count field must be a non-empty string")
COUNT_DOLLAR = condition(40158, "the count field cannot be a $-prefixed path")
COUNT_NUL = condition(40159, "the count field cannot contain a null byte")
COUNT_DOT = condition(40160, "the count field cannot contain '.'")
COUNT_ID = condition(9039800, "the count field cannot be '_id'")
SORT_BY_COUNT_NOT_EXPRESSION = condition(
    40147, "the sortByCount field must be defined as a $-prefixed path or an expression inside an object"
)
SORT_BY_COUNT_NOT_PATH = condition(
    40148, "the sortByCount field must be defined as a $-prefixed path or an expression inside an object"
)
SORT_BY_COUNT_TYPE = condition(40149, "the sortByCount field must be specified as a string or as an object")

# $replaceRoot, $replaceWith, $documents
REPLACE_ROOT_NOT_OBJECT = condition(40229, "expected an object as specification for $replaceRoot stage, got {kind}")
REPLACE_ROOT_UNKNOWN_FIELD = condition(40230, "unrecognized option to $replaceRoot stage: {field}")
REPLACE_ROOT_WITHOUT_NEW_ROOT = condition(40231, "no newRoot specified for the $replaceRoot stage")
NEW_ROOT_NOT_OBJECT = condition(
    40228,
    "'newRoot' expression must evaluate to an object, but resulting value was: {value}. "
    "Type of resulting value: '{kind}'. Input document: {document}",
)
DOCUMENTS_NOT_ARRAY = condition(5858203, "an array is expected, found {kind}")

# $unwind
UNWIND_SPEC_TYPE = condition(
    15981, "expected either a string or an object as specification for $unwind stage, got {kind}"
)
UNWIND_PATH_TYPE = condition(28808, "expected a string as the path for $unwind stage, got {kind}")
UNWIND_PRESERVE_TYPE = condition(
    28809, "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got {kind}"
)
UNWIND_INDEX_TYPE = condition(
    28810, "expected a non-empty string for the includeArrayIndex option to $unwind stage, got {kind}"
)
UNWIND_UNKNOWN_FIELD = condition(28811, "unrecognized option to $unwind stage: {field}")
UNWIND_WITHOUT_PATH = condition(28812, "no path specified to $unwind stage")
UNWIND_PATH_DOLLAR = condition(28818, "path option to $unwind stage should be prefixed with a '$': {path}")
UNWIND_INDEX_DOLLAR = condition(
    28822, "includeArrayIndex option to $unwind stage should not be prefixed with a '$': {path}"
)
UNWIND_PATH_NUL = condition(16419, "field path must not contain embedded null characters")

# $group
GROUP_NOT_OBJECT = condition(15947, "a group's fields must be specified in an object")
GROUP_ID_TWICE = condition(15948, "a group's _id may only be specified once")
GROUP_WITHOUT_ID = condition(15955, "a group specification must include an _id")

# $bucket
BUCKET_BOUNDARY_NOT_CONSTANT = condition(
    40191, "The $bucket 'boundaries' field must be an array of constant values, but found value: {value}."
)
BUCKET_TOO_FEW_BOUNDARIES = condition(
    40192, "The $bucket 'boundaries' field must have at least 2 values, but found {count} value(s)."
)
BUCKET_MIXED_BOUNDARIES = condition(
    40193,
    "All values in the the 'boundaries' option to $bucket must have the same type. Found conflicting types "
    "{left} and {right}.",
)
BUCKET_BOUNDARIES_ORDER = condition(
    40194,
    "The 'boundaries' option to $bucket must be sorted, but elements {left} and {right} are not in ascending "
    "order ({left_value} is not less than {right_value}).",
)
BUCKET_DEFAULT_NOT_CONSTANT = condition(
    40195, "The $bucket 'default' field must be a constant expression, but found: {value}."
)
BUCKET_OUTPUT_TYPE = condition(40196, "The $bucket 'output' field must be an object, but found type: {kind}.")
BUCKET_UNKNOWN_FIELD = condition(40197, "Unrecognized option to $bucket: {field}.")
BUCKET_INCOMPLETE = condition(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.")
BUCKET_DEFAULT_IN_RANGE = condition(
    40199,
    "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the "
    "highest boundary.",
)
BUCKET_BOUNDARIES_TYPE = condition(40200, "The $bucket 'boundaries' field must be an array, but found type: {kind}.")
BUCKET_NOT_OBJECT = condition(40201, "Argument to $bucket stage must be an object, but found type: {kind}.")
BUCKET_GROUP_BY = condition(
    40202, "The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression, but found: {value}."
)

# $facet
FACET_NOT_OBJECT = condition(40169, "the $facet specification must be a non-empty object, but found: {value}")
FACET_NOT_ARRAY = condition(40170, "arguments to $facet must be arrays, {field} is type {kind}")
FACET_STAGE_NOT_OBJECT = condition(
    40171,
    "elements of arrays in $facet spec must be non-empty objects, {field} argument contained an element of type {kind}",
)
RESULT_TOO_LARGE = condition(
    10334, "BSONObj size: {size} (0x{size:X}) is invalid. Size must be between 0 and 16793600(16MB)"
)

# $lookup, $unionWith
LOOKUP_INVALID = condition(ErrorCode.FailedToParse, "{message}")
LOOKUP_UNKNOWN_FIELD = condition(40415, "BSON field '$lookup.{field}' is an unknown field.")
LOOKUP_TYPE = condition(
    ErrorCode.TypeMismatch, "BSON field '$lookup.{field}' is the wrong type '{kind}', expected type '{expected}'"
)
LOOKUP_TOO_LARGE = condition(
    4568, "Total size of documents in {name} matching pipeline's $lookup stage exceeds 104857600 bytes"
)
UNION_INVALID = condition(ErrorCode.FailedToParse, "{message}")
UNION_UNKNOWN_FIELD = condition(40415, "BSON field '$unionWith.{field}' is an unknown field.")
UNION_TYPE = condition(
    ErrorCode.TypeMismatch, "BSON field '$unionWith.{field}' is the wrong type '{kind}', expected type '{expected}'"
)
INVALID_NAMESPACE = condition(ErrorCode.InvalidNamespace, "Invalid namespace specified '{namespace}'")

# $addFields, $project, $unset
ADD_FIELDS_NOT_OBJECT = condition(40272, "{name} specification stage must be an object, got {kind}")
ADD_FIELDS_EMPTY = condition(40177, "Invalid {name} :: caused by :: specification must have at least one field")
PROJECT_NOT_OBJECT = condition(15969, "$project specification must be an object")
UNSET_TYPE = condition(31002, "$unset specification must be a string or an array")
UNSET_EMPTY = condition(31119, "$unset specification must be a string or an array with at least one field")
UNSET_ELEMENT_TYPE = condition(31120, "$unset specification must be a string or an array containing only string values")
UNSET_NUL = condition(9527900, "$unset field path must not contain a null byte")

# Text search
SEARCH_NOT_FIRST = condition(17313, "$match with $text is only allowed as the first pipeline stage")

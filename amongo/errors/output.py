"""Errors of the stages that write, $out and $merge (source: MongoDB manual, the pages of these stages; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Where they write
INVALID_TARGET = condition(ErrorCode.InvalidNamespace, "Invalid {stage} target namespace: '{namespace}'")
MERGE_SYSTEM = condition(31319, "Cannot $merge to special collection: {name}")
MERGE_INTERNAL = condition(31320, "Cannot $merge to internal database: {name}")
OUT_SYSTEM = condition(17385, "Can't $out to special collection: {name}")
OUT_INTERNAL = condition(31321, "Can't $out to internal database: {name}")
OUT_CAPPED = condition(17152, "namespace '{namespace}' is capped so it can't be used for $out")
OUT_TARGET_CHANGED = condition(
    ErrorCode.IllegalOperation, "{what} of target collection {namespace} changed during processing."
)
OUT_INVALID_TARGET = condition(
    ErrorCode.IllegalOperation, "error with target namespace: Invalid collection name: {namespace}"
)
OUT_SERIES_OVER_COLLECTION = condition(
    7268700, "Cannot create a time-series collection from a non time-series collection."
)
OUT_SERIES_OVER_VIEW = condition(7268703, "Cannot create a time-series collection from a view: {namespace}")
OUT_SERIES_DIFFERS = condition(7406103, "Time-series options mismatch: {given} differ from those of {namespace}")
LINEARIZABLE = condition(ErrorCode.InvalidOptions, "{stage} cannot be used with a 'linearizable' read concern level")

# $out's specification
OUT_TYPE = condition(16990, "$out only supports a string or object argument, but found {kind}")

# $merge's specification
MERGE_TYPE = condition(ErrorCode.TypeMismatch, "$merge requires a string or object argument, but found {kind}")
MERGE_INTO_TYPE = condition(51178, "$merge 'into' field must be either a string or an object, but found {kind}")
MERGE_INTO_EMPTY = condition(5786800, "$merge 'into' field cannot be an empty string")
MERGE_INTO_EMPTY_COLLECTION = condition(5786801, "$merge 'into' field must specify a 'coll' that is not empty")
MERGE_ON_TYPE = condition(51186, "$merge 'on' field must be either a string or an array of strings, but found {kind}")
MERGE_ON_EMPTY = condition(51187, "If explicitly specifying $merge 'on', must include at least one field")
MERGE_ON_ELEMENT = condition(51134, "$merge 'on' array elements must be strings, but found {kind}")
MERGE_ON_TWICE = condition(31465, "Found a duplicate field '{field}' in $merge.on")
MERGE_WHEN_MATCHED_TYPE = condition(
    51191, "$merge 'whenMatched' field must be either a string or an array, but found {kind}"
)
MERGE_MODES = condition(
    51181,
    "Combination of $merge modes 'whenMatched: {matched}' and 'whenNotMatched: {not_matched}' is not supported",
)
MERGE_LET_MODE = condition(51199, "Cannot use 'let' variables with 'whenMatched: {matched}' mode")
MERGE_LET_NEW = condition(51273, "'let' may not define a value for the reserved 'new' variable other than '$$ROOT'")

# What $merge finds
MERGE_NOT_UNIQUE = condition(51183, "Cannot find index to verify that join fields will be unique")
MERGE_ON_NULLISH = condition(
    51132,
    "$merge write error: 'on' field '{field}' cannot be missing, null or undefined if supporting index is sparse",
)
MERGE_ON_ARRAY = condition(51185, "$merge write error: 'on' field '{field}' cannot be an array")
MERGE_NO_MATCH = condition(
    ErrorCode.MergeStageNoMatchingDocument,
    "$merge could not find a matching document in the target collection for at least one document in the source "
    "collection",
)

"""Errors of filters, projections and sort patterns, in the words and with the numbers of MongoDB's parsers."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# What this version leaves out
NOT_SUPPORTED_YET = condition(ErrorCode.CommandNotSupported, "{name} is not in amongo yet: {reason}")

# The shape of a filter
UNKNOWN_TOP_LEVEL_OPERATOR = condition(
    ErrorCode.BadValue,
    "unknown top level operator: {name}. If you have a field name that starts with a '$' symbol, consider using "
    "$getField or $setField.",
)
UNKNOWN_OPERATOR = condition(ErrorCode.BadValue, "unknown operator: {name}")
FILTER_TOO_DEEP = condition(ErrorCode.BadValue, "exceeded maximum query tree depth of {limit}")

# Logical operators
LOGICAL_NEEDS_ARRAY = condition(ErrorCode.BadValue, "{name} must be an array")
LOGICAL_EMPTY = condition(ErrorCode.BadValue, "$and/$or/$nor must be a nonempty array")
LOGICAL_NEEDS_OBJECTS = condition(ErrorCode.BadValue, "$or/$and/$nor entries need to be full objects")
NOT_NEEDS_DOCUMENT = condition(ErrorCode.BadValue, "$not needs a regex or a document")
NOT_EMPTY = condition(ErrorCode.BadValue, "$not cannot be empty")
CONSTANT_NEEDS_ONE = condition(ErrorCode.FailedToParse, "{name} must be an integer value of 1")

# Comparison
COMPARE_UNDEFINED = condition(ErrorCode.BadValue, "cannot compare to undefined")
COMPARE_REGEX = condition(ErrorCode.BadValue, "Can't have RegEx as arg to predicate over field '{path}'.")
NE_REGEX = condition(ErrorCode.BadValue, "Can't have regex as arg to $ne.")
IN_NEEDS_ARRAY = condition(ErrorCode.BadValue, "{name} needs an array")
IN_NESTED_OPERATOR = condition(ErrorCode.BadValue, "cannot nest $ under $in")
IN_UNDEFINED = condition(ErrorCode.BadValue, "InMatchExpression equality cannot be undefined")

# Element
TYPE_LIST_EMPTY = condition(ErrorCode.FailedToParse, "{path} must match at least one type")

# Arrays
ALL_NEEDS_ARRAY = condition(ErrorCode.BadValue, "$all needs an array")
ALL_INCONSISTENT = condition(ErrorCode.BadValue, "$all/$elemMatch has to be consistent")
ALL_NESTED_OPERATOR = condition(ErrorCode.BadValue, "no $ expressions in $all")
ELEM_MATCH_NEEDS_OBJECT = condition(ErrorCode.BadValue, "$elemMatch needs an Object")
ELEM_MATCH_WHERE = condition(ErrorCode.BadValue, "$elemMatch cannot contain $where expression")
SIZE_NOT_A_NUMBER = condition(ErrorCode.BadValue, "Failed to parse $size. Expected a number in: $size: {operand}")
SIZE_NOT_AN_INTEGER = condition(ErrorCode.BadValue, "Failed to parse $size. Expected an integer: $size: {operand}")
SIZE_NEGATIVE = condition(
    ErrorCode.BadValue, "Failed to parse $size. Expected a non-negative number in: $size: {operand}"
)
SIZE_TOO_LARGE = condition(
    ErrorCode.BadValue, "Failed to parse $size. Cannot represent as a 32-bit integer: $size: {operand}"
)

# Evaluation
MOD_NEEDS_ARRAY = condition(ErrorCode.BadValue, "malformed mod, needs to be an array")
MOD_TOO_SHORT = condition(ErrorCode.BadValue, "malformed mod, not enough elements")
MOD_TOO_LONG = condition(ErrorCode.BadValue, "malformed mod, too many elements")
MOD_NOT_A_NUMBER = condition(ErrorCode.BadValue, "malformed mod, {part} not a number")
MOD_OUT_OF_RANGE = condition(ErrorCode.BadValue, "malformed mod, {part} value is invalid: {operand}")
MOD_BY_ZERO = condition(ErrorCode.BadValue, "divisor cannot be 0")
EXPR_NOT_TOP_LEVEL = condition(ErrorCode.BadValue, "{name} can only be applied to the top-level document")
SAMPLE_RATE_NOT_A_NUMBER = condition(ErrorCode.BadValue, "argument to $sampleRate must be a numeric type")
SAMPLE_RATE_OUT_OF_RANGE = condition(ErrorCode.BadValue, "numeric argument to $sampleRate must be in [0, 1]")

# Regular expressions
REGEX_NEEDS_STRING = condition(ErrorCode.BadValue, "$regex has to be a string")
OPTIONS_NEED_STRING = condition(ErrorCode.BadValue, "$options has to be a string")
OPTIONS_WITHOUT_REGEX = condition(ErrorCode.BadValue, "$options needs a $regex")
REGEX_HAS_NUL = condition(ErrorCode.BadValue, "Regular expression cannot contain an embedded null byte")
REGEX_OPTIONS_TWICE = condition(51074, "options set in both $regex and $options")
OPTIONS_TWICE = condition(51075, "options set in both $options and $regex")
REGEX_INVALID = condition(51091, "Regular expression is invalid: {reason}")
REGEX_BAD_FLAG = condition(51108, "invalid flag in regex options: {flag}")
REGEX_LIMIT = condition(51156, "Error occurred while executing the regular expression. Result code: -47")

# Bitwise
BITS_WRONG_TYPE = condition(
    ErrorCode.BadValue, "{path} takes an Array, a number, or a BinData but received: {name}: {operand}"
)
BITS_BAD_MASK = condition(ErrorCode.FailedToParse, "{reason} in: {name}: {operand}")
BITS_BAD_POSITION = condition(ErrorCode.BadValue, "Failed to parse bit position. {reason} in: {index}: {operand}")

# Projections
PROJECTION_EMPTY = condition(
    51272, "Invalid $project :: caused by :: projection specification must have at least one field"
)
PROJECTION_EMPTY_OBJECT = condition(51270, "An empty sub-projection is not a valid value. Found empty object at path")
PATH_COLLISION = condition(31250, "Path collision at {path}")
PATH_COLLISION_REMAINING = condition(31249, "Path collision at {path} remaining portion {rest}")
INCLUSION_IN_EXCLUSION = condition(31253, "Cannot do inclusion on field {field} in exclusion projection")
EXCLUSION_IN_INCLUSION = condition(31254, "Cannot do exclusion on field {field} in inclusion projection")
EXPRESSION_IN_EXCLUSION = condition(31252, "Cannot use expression other than $meta in exclusion projection")
LITERAL_IN_EXCLUSION = condition(31310, "Cannot use an expression {field}: {value} in an exclusion projection")
UNKNOWN_EXPRESSION = condition(31325, "Unknown expression {name}")
POSITIONAL_IN_STAGE = condition(31324, "Cannot use positional projection in aggregation projection")
POSITIONAL_TWICE = condition(31276, "Cannot specify more than one positional projection per query.")
POSITIONAL_WITH_ELEM_MATCH = condition(31256, "Cannot specify positional operator and $elemMatch.")
ELEM_MATCH_WITH_POSITIONAL = condition(31255, "Cannot specify positional operator and $elemMatch.")
POSITIONAL_IN_THE_MIDDLE = condition(
    31394,
    "As of 4.4, it's illegal to specify positional operator in the middle of a path.Positional projection may only be "
    "used at the end, for example: a.b.$. If the query previously used a form like a.b.$.d, remove the parts following "
    "the '$' and the results will be equivalent.",
)
POSITIONAL_WITH_OBJECT = condition(31271, "positional projection cannot be used with an expression or sub object")
POSITIONAL_WITH_LITERAL = condition(31308, "positional projection cannot be used with a literal")
POSITIONAL_NO_MATCH = condition(
    51246,
    "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in "
    "the array",
)
POSITIONAL_MISMATCH = condition(
    51247, "Executor error during find command :: caused by :: positional operator '.$' element mismatch"
)
ELEM_MATCH_PROJECTION_NEEDS_OBJECT = condition(31274, "elemMatch: Invalid argument, object required, but got {kind}")
ELEM_MATCH_NESTED = condition(31275, "Cannot use $elemMatch projection on a nested field.")
META_NEEDS_STRING = condition(17307, "$meta only supports string arguments")
META_UNKNOWN = condition(17308, "Unsupported argument to $meta: {keyword}")
META_NOT_AVAILABLE = condition(40218, "query requires {what} metadata, but it is not available")
SORT_KEY_WITHOUT_SORT = condition(ErrorCode.BadValue, "cannot use sortKey $meta projection without a sort")
ELEM_MATCH_IN_STAGE = condition(ErrorCode.InvalidPipelineOperator, "Cannot use $elemMatch in this context")

# Hints, and the bounds of the index that they name
NO_QUERY_SOLUTIONS = condition(
    ErrorCode.NoQueryExecutionPlans,
    "error processing query: ns={namespace} planner returned error :: caused by :: No query solutions",
)
HINT_AMBIGUOUS = condition(
    ErrorCode.IndexNotFound,
    "Hint matched multiple indexes, must hint by index name. Matched: {one} and {other}",
)
HINT_COLUMNAR = condition(ErrorCode.BadValue, "$columnar hint cannot be set to a value other than true or false.")
COLUMNAR_REFUSED = condition(
    ErrorCode.NoQueryExecutionPlans, "the hint {{$columnar: true}} cannot be followed: {reason}"
)
HINT_NATURAL = condition(ErrorCode.BadValue, "$natural hint cannot be set to a value other than -1 or 1.")
BOUNDS_OF_DIFFERENT_FIELDS = condition(51176, "min and max must have the same field names")
BOUNDS_WITHOUT_HINT = condition(51173, "When using min()/max() a hint of which index to use must be provided")
BOUNDS_NOT_COMPATIBLE = condition(51174, "The index chosen is not compatible with min/max")
BOUNDS_REVERSED = condition(
    51175, "The value provided for min() does not come before the value provided for max() in the hinted index"
)
BOUNDS_WITH_NATURAL = condition(ErrorCode.NoQueryExecutionPlans, "min and max are incompatible with $natural")

# Sort patterns
SORT_ILLEGAL_KEY = condition(15974, "Illegal key in $sort specification: {path}: {value}")
SORT_ILLEGAL_ORDER = condition(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)")
SORT_EMPTY = condition(15976, "$sort stage must have at least one sort key")
SORT_NOT_META = condition(17312, "$meta is the only expression supported by $sort right now")
SORT_META_EXTRA = condition(ErrorCode.FailedToParse, "Cannot have additional keys in a $meta sort specification")
SORT_META_UNKNOWN = condition(31138, "Illegal $meta sort: $meta: {value}")
SORT_NATURAL = condition(ErrorCode.BadValue, "$natural sort cannot be set to a value other than -1 or 1.")
SORT_PARALLEL_ARRAYS = condition(ErrorCode.BadValue, "cannot sort with keys that are parallel arrays")

"""Errors of aggregation expressions and accumulators (source: MongoDB manual, Expression Operators; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# How an expression is written
UNKNOWN_OPERATOR = condition(ErrorCode.InvalidPipelineOperator, "Unrecognized expression '{name}'")
OPERATOR_NOT_YET = condition(ErrorCode.CommandNotSupported, "{name} is not in amongo yet: {reason}")
MORE_THAN_ONE_OPERATOR = condition(15983, "an object representing an expression must have exactly one field: {spec}")
NESTED_TOO_DEEP = condition(ErrorCode.Overflow, "expression exceeds maximum nesting depth of {limit}")
WRONG_ARGUMENT_COUNT = condition(
    16020, "Expression {name} takes exactly {expected} arguments. {count} were passed in."
)
ARGUMENT_COUNT_OUT_OF_RANGE = condition(
    28667, "Expression {name} takes at least {least} arguments, and at most {most}, but {count} were passed in."
)

# Paths and names
DOLLAR_ALONE = condition(16872, "'$' by itself is not a valid FieldPath")
DOT_IN_FIELD_NAME = condition(
    16412, "FieldPath field names may not contain '.'. Consider using $getField or $setField."
)

# Variables
UNDEFINED_VARIABLE = condition(17276, "Use of undefined variable: {name}")
EMPTY_VARIABLE_NAME = condition(ErrorCode.FailedToParse, "empty variable names are not allowed")
VARIABLE_NAME_START = condition(
    ErrorCode.FailedToParse, "'{name}' starts with an invalid character for a user variable name"
)
VARIABLE_NAME_CHARACTER = condition(
    ErrorCode.FailedToParse, "'{name}' contains an invalid character for a variable name: '{character}'"
)
VARIABLE_UNAVAILABLE = condition(51144, "Builtin variable '$${name}' is not available")
CLUSTER_TIME_UNAVAILABLE = condition(10071200, "Builtin variable '$$CLUSTER_TIME' is not available")

# Conditional
COND_WITHOUT_IF = condition(17080, "Missing 'if' parameter to $cond")
COND_WITHOUT_THEN = condition(17081, "Missing 'then' parameter to $cond")
COND_WITHOUT_ELSE = condition(17082, "Missing 'else' parameter to $cond")
COND_UNKNOWN_FIELD = condition(17083, "Unrecognized parameter to $cond: {field}")
IF_NULL_NEEDS_TWO = condition(1257300, "$ifNull needs at least two arguments, had: {count}")
SWITCH_NEEDS_OBJECT = condition(40060, "$switch requires an object as an argument")
SWITCH_BRANCHES_ARRAY = condition(40061, "$switch expected an array for 'branches'")
SWITCH_BRANCH_OBJECT = condition(40062, "$switch expected each branch to be an object")
SWITCH_BRANCH_UNKNOWN_FIELD = condition(40063, "$switch found an unknown argument to a branch: {field}")
SWITCH_BRANCH_WITHOUT_CASE = condition(40064, "$switch requires each branch have a 'case' expression")
SWITCH_BRANCH_WITHOUT_THEN = condition(40065, "$switch requires each branch have a 'then' expression.")
SWITCH_NO_BRANCH = condition(
    40066, "$switch could not find a matching branch for an input, and no default was specified."
)
SWITCH_UNKNOWN_FIELD = condition(40067, "$switch found an unknown argument: {field}")
SWITCH_WITHOUT_BRANCHES = condition(40068, "$switch requires at least one branch.")
SWITCH_NEVER_MATCHES = condition(
    40069, "One cannot execute a switch statement where all the cases evaluate to false without a default."
)

# $let
LET_NEEDS_OBJECT = condition(16874, "$let only supports an object as its argument")
LET_UNKNOWN_FIELD = condition(16875, "Unrecognized parameter to $let: {field}")
LET_WITHOUT_VARS = condition(16876, "Missing 'vars' parameter to $let")
LET_WITHOUT_IN = condition(16877, "Missing 'in' parameter to $let")
LET_VARS_OBJECT = condition(10065, "invalid parameter: expected an object (vars)")

# Accumulators
ACCUMULATOR_NOT_OBJECT = condition(40234, "The field '{field}' must be an accumulator object")
ACCUMULATOR_FIELD_DOT = condition(40235, "The field name '{field}' cannot contain '.'")
ACCUMULATOR_FIELD_DOLLAR = condition(40236, "The field name '{field}' cannot be an operator name")
ACCUMULATOR_NOT_UNARY = condition(40237, "The {name} accumulator is a unary operator")
ACCUMULATOR_NOT_ONE = condition(40238, "The field '{field}' must specify one accumulator")
UNKNOWN_ACCUMULATOR = condition(15952, "unknown group operator '{name}'")
COUNT_TAKES_NOTHING = condition(ErrorCode.TypeMismatch, "$count takes no arguments, i.e. $count:{{}}")
MERGE_OBJECTS_IN_GROUP = condition(
    5911200, "$mergeObjects requires object inputs, but input is of type {kind}"
)
ARRAY_ACCUMULATOR_TYPE = condition(
    ErrorCode.TypeMismatch, "{name} requires array inputs, but encountered value of type {kind}"
)
DIVIDE_BY_ZERO_IN_GROUP = condition(4848401, "can't $divide by zero")
MOD_BY_ZERO_IN_GROUP = condition(4848403, "can't $mod by zero")

# Arithmetic
TAKES_NUMBER = condition(28765, "{name} only supports numeric types, not {kind}")
ADD_TAKES_NUMBERS = condition(
    ErrorCode.TypeMismatch, "$add only supports numeric or date types, not {kind}"
)
ADD_TAKES_ONE_DATE = condition(16612, "only one date allowed in an $add expression")
DATE_OVERFLOW = condition(ErrorCode.Overflow, "date overflow")
SUBTRACT_TYPES = condition(ErrorCode.TypeMismatch, "can't $subtract {right} from {left}")
MULTIPLY_TAKES_NUMBERS = condition(ErrorCode.TypeMismatch, "$multiply only supports numeric types, not {kind}")
DIVIDE_TAKES_NUMBERS = condition(
    ErrorCode.TypeMismatch, "$divide only supports numeric types, not {left} and {right}"
)
DIVIDE_BY_ZERO = condition(ErrorCode.BadValue, "can't $divide by zero")
MOD_TAKES_NUMBERS = condition(16611, "$mod only supports numeric types, not {left} and {right}")
MOD_BY_ZERO = condition(16610, "can't $mod by zero")
MOD_BY_DECIMAL_ZERO = condition(5733415, "can't $mod by zero")
ABS_OF_LEAST_LONG = condition(28680, "can't take $abs of long long min")

# Functions of numbers
ROUND_TAKES_NUMBER = condition(51081, "{name} only supports numeric types")
PLACE_TYPE = condition(16004, "can't convert the place to an integer")
PLACE_OVERFLOW = condition(31109, "Can't coerce out of range value to long")
PLACE_NOT_WHOLE = condition(51082, "precision argument to {name} must be a integral value")
PLACE_OUT_OF_RANGE = condition(51083, "cannot apply {name} with precision value {place} value must be in [-20, 100]")
ROUND_OVERFLOW = condition(51080, "invalid conversion from Decimal128 result in $round")
SQRT_OF_NEGATIVE = condition(28714, "$sqrt's argument must be greater than or equal to 0")
LN_OF_NOT_POSITIVE = condition(28766, "$ln's argument must be a positive number, but is {value}")
LOG10_OF_NOT_POSITIVE = condition(28761, "$log10's argument must be a positive number, but is {value}")
LOG_TAKES_NUMBER = condition(28756, "$log's argument must be numeric")
LOG_BASE_NUMBER = condition(28757, "$log's base must be numeric")
LOG_OF_NOT_POSITIVE = condition(28758, "$log's argument must be a positive number, but is {value}")
LOG_BASE_RANGE = condition(28759, "$log's base must be a positive number not equal to 1, but is {value}")
POW_BASE_NUMBER = condition(28762, "$pow's base must be numeric, not {kind}")
POW_EXPONENT_NUMBER = condition(28763, "$pow's exponent must be numeric, not {kind}")
POW_ZERO_TO_NEGATIVE = condition(28764, "$pow cannot take a base of 0 and a negative exponent")
SIGMOID_TAKES_NUMBER = condition(ErrorCode.TypeMismatch, "$sigmoid only supports numeric types, not {kind}")

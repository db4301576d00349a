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

# Strings
NO_TEXT = condition(16007, "can't convert from BSON type {kind} to String")
YEAR_OUT_OF_RANGE = condition(18537, "Could not convert date to string: date component was outside the supported range of 0-9999: {year}")
CONCAT_TAKES_STRINGS = condition(16702, "$concat only supports strings, not {kind}")
LENGTH_TAKES_STRING_BYTES = condition(34473, "$strLenBytes requires a string argument, found: {kind}")
LENGTH_TAKES_STRING = condition(34471, "$strLenCP requires a string argument, found: {kind}")
SPLIT_TAKES_STRING = condition(
    40085, "$split requires an expression that evaluates to a string as a first argument, found: {kind}"
)
SPLIT_TAKES_DELIMITER = condition(
    10503900, "$split requires an expression that evaluates to a string as a second argument, found: {kind}"
)
SPLIT_EMPTY_DELIMITER = condition(40087, "$split requires a non-empty separator")
SUBSTR_START_TYPE = condition(16034, "$substrBytes: starting index must be a numeric type (is BSON type {kind})")
SUBSTR_LENGTH_TYPE = condition(16035, "$substrBytes: length must be a numeric type (is BSON type {kind})")
NUMBER_OUT_OF_LONG = condition(31109, "Can't coerce out of range value {value} to long")
SUBSTR_NEGATIVE_START = condition(50752, "$substrBytes: starting index must be non-negative (got: {start})")
SUBSTR_SPLITS_START = condition(28656, "$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.")
SUBSTR_SPLITS_END = condition(28657, "$substrBytes: Invalid range, ending index is in the middle of a UTF-8 character.")
SUBSTR_CP_START_TYPE = condition(34450, "$substrCP: starting index must be a numeric type (is BSON type {kind})")
SUBSTR_CP_START_WHOLE = condition(
    34451, "$substrCP: starting index cannot be represented as a 32-bit integral value: {value}"
)
SUBSTR_CP_LENGTH_TYPE = condition(34452, "$substrCP: length must be a numeric type (is BSON type {kind})")
SUBSTR_CP_LENGTH_WHOLE = condition(
    34453, "$substrCP: length cannot be represented as a 32-bit integral value: {value}"
)
SUBSTR_CP_NEGATIVE_LENGTH = condition(34454, "$substrCP: length must be a nonnegative integer: {length}")
SUBSTR_CP_NEGATIVE_START = condition(34455, "$substrCP: the starting index must be nonnegative integer: {start}")
TRIM_NEEDS_OBJECT = condition(50696, "{name} only supports an object as an argument")
TRIM_UNKNOWN_FIELD = condition(50694, "{name} found an unknown argument: {field}")
TRIM_WITHOUT_INPUT = condition(50695, "{name} requires an 'input' field")
TRIM_TAKES_STRING = condition(50699, "{name} requires its input to be a string, got {kind}")
TRIM_TAKES_CHARS = condition(50700, "{name} requires 'chars' to be a string, got {kind}")
INDEX_OF_BYTES_STRING = condition(40091, "$indexOfBytes requires a string as the first argument, found: {kind}")
INDEX_OF_BYTES_PART = condition(40092, "$indexOfBytes requires a string as the second argument, found: {kind}")
INDEX_OF_CP_STRING = condition(40093, "$indexOfCP requires a string as the first argument, found: {kind}")
INDEX_OF_CP_PART = condition(40094, "$indexOfCP requires a string as the second argument, found: {kind}")
INDEX_WHOLE = condition(40096, "{name} requires an integral {which} index, found a value of type: {kind}")
INDEX_NEGATIVE = condition(40097, "{name} requires a nonnegative {which} index, found: {value}")
REPLACE_NEEDS_OBJECT = condition(51751, "{name} requires an object as an argument")
REPLACE_UNKNOWN_FIELD = condition(51750, "{name} found an unknown argument: {field}")
REPLACE_WITHOUT_INPUT = condition(51749, "{name} requires 'input' to be specified")
REPLACE_WITHOUT_FIND = condition(51748, "{name} requires 'find' to be specified")
REPLACE_WITHOUT_REPLACEMENT = condition(51747, "{name} requires 'replacement' to be specified")
REPLACE_INPUT = condition(10503904, "'input' must be a string, found: {kind}")
REPLACE_FIND = condition(10503901, "'find' must be a string, found: {kind}")
REPLACE_REPLACEMENT = condition(10503902, "'replacement' must be a string, found: {kind}")
REGEX_NEEDS_OBJECT = condition(51103, "{name} expects an object of named arguments")
REGEX_UNKNOWN_FIELD = condition(31024, "{name} found unknown option(s): {field}")
REGEX_WITHOUT_INPUT = condition(31022, "{name} requires 'input' parameter")
REGEX_WITHOUT_REGEX = condition(31023, "{name} requires 'regex' parameter")
REGEX_INPUT_TYPE = condition(51104, "{name} needs 'input' to be of type string")
REGEX_TYPE = condition(51105, "{name} needs 'regex' to be of type string or regex")
REGEX_OPTIONS_TYPE = condition(51106, "{name} needs 'options' to be of type string")
REGEX_OPTIONS_TWICE = condition(51107, "{name}: found regex option(s) specified in both 'regex' and 'option' fields")
REGEX_BAD_OPTION = condition(51108, "{name} invalid flag in regex options: {flag}")
REGEX_PATTERN_NUL = condition(51109, "{name}: regular expression cannot contain an embedded null byte")
REGEX_OPTIONS_NUL = condition(51110, "{name}: regular expression options string cannot contain an embedded null byte")
REGEX_BAD_PATTERN = condition(51111, "Invalid Regex in {name}: {reason}")
LITERAL_TOO_LARGE = condition(16493, "Tried to create string longer than 16MB")

"""Errors of aggregation expressions and accumulators (source: MongoDB manual, Expression Operators; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# How an expression is written
UNKNOWN_OPERATOR = condition(ErrorCode.InvalidPipelineOperator, "Unrecognized expression '{name}'")
OPERATOR_NOT_YET = condition(ErrorCode.CommandNotSupported, "{name} is not in amongo yet: {reason}")
MORE_THAN_ONE_OPERATOR = condition(15983, "an object representing an expression must have exactly one field: {spec}")
NESTED_TOO_DEEP = condition(ErrorCode.Overflow, "expression exceeds maximum nesting depth of {limit}")
WRONG_ARGUMENT_COUNT = condition(16020, "Expression {name} takes exactly {expected} arguments. {count} were passed in.")
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
MERGE_OBJECTS_IN_GROUP = condition(5911200, "$mergeObjects requires object inputs, but input is of type {kind}")
ARRAY_ACCUMULATOR_TYPE = condition(
    ErrorCode.TypeMismatch, "{name} requires array inputs, but encountered value of type {kind}"
)
DIVIDE_BY_ZERO_IN_GROUP = condition(4848401, "can't $divide by zero")
MOD_BY_ZERO_IN_GROUP = condition(4848403, "can't $mod by zero")

# Arithmetic
TAKES_NUMBER = condition(28765, "{name} only supports numeric types, not {kind}")
ADD_TAKES_NUMBERS = condition(ErrorCode.TypeMismatch, "$add only supports numeric or date types, not {kind}")
ADD_TAKES_ONE_DATE = condition(16612, "only one date allowed in an $add expression")
DATE_OVERFLOW = condition(ErrorCode.Overflow, "date overflow")
SUBTRACT_TYPES = condition(ErrorCode.TypeMismatch, "can't $subtract {right} from {left}")
MULTIPLY_TAKES_NUMBERS = condition(ErrorCode.TypeMismatch, "$multiply only supports numeric types, not {kind}")
DIVIDE_TAKES_NUMBERS = condition(ErrorCode.TypeMismatch, "$divide only supports numeric types, not {left} and {right}")
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
YEAR_OUT_OF_RANGE = condition(
    18537, "Could not convert date to string: date component was outside the supported range of 0-9999: {year}"
)
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
SUBSTR_CP_LENGTH_WHOLE = condition(34453, "$substrCP: length cannot be represented as a 32-bit integral value: {value}")
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

# Types and sizes
BINARY_SIZE_TYPE = condition(51276, "$binarySize requires a string or BinData argument, found: {kind}")
BSON_SIZE_TYPE = condition(31393, "$bsonSize requires a document input, found: {kind}")

# Arrays
ELEM_AT_TAKES_ARRAY = condition(28689, "$arrayElemAt's first argument must be an array, but is {kind}")
ELEM_AT_INDEX_NUMBER = condition(28690, "$arrayElemAt's second argument must be a numeric value, but is {kind}")
ELEM_AT_INDEX_WHOLE = condition(
    28691, "$arrayElemAt's second argument must be representable as a 32-bit integer: {value}"
)
CONCAT_ARRAYS_TYPE = condition(28664, "$concatArrays only supports arrays, not {kind}")
SIZE_TAKES_ARRAY = condition(17124, "The argument to $size must be an array, but was of type: {kind}")
REVERSE_TAKES_ARRAY = condition(34435, "The argument to $reverseArray must be an array, but was of type: {kind}")
SLICE_TAKES_ARRAY = condition(28724, "First argument to $slice must be an array, but is of type: {kind}")
SLICE_SECOND_NUMBER = condition(28725, "Second argument to $slice must be a numeric value, but is of type: {kind}")
SLICE_SECOND_WHOLE = condition(28726, "Second argument to $slice can't be represented as a 32-bit integer: {value}")
SLICE_THIRD_NUMBER = condition(28727, "Third argument to $slice must be numeric, but is of type: {kind}")
SLICE_THIRD_WHOLE = condition(28728, "Third argument to $slice can't be represented as a 32-bit integer: {value}")
SLICE_THIRD_POSITIVE = condition(28729, "Third argument to $slice must be positive: {value}")
RANGE_START_NUMBER = condition(34443, "$range requires a numeric starting value, found value of type: {kind}")
RANGE_START_WHOLE = condition(
    34444, "$range requires a starting value that can be represented as a 32-bit integer, found value: {value}"
)
RANGE_END_NUMBER = condition(34445, "$range requires a numeric ending value, found value of type: {kind}")
RANGE_END_WHOLE = condition(
    34446, "$range requires an ending value that can be represented as a 32-bit integer, found value: {value}"
)
RANGE_STEP_NUMBER = condition(34447, "$range requires a numeric step value, found value of type: {kind}")
RANGE_STEP_WHOLE = condition(
    34448, "$range requires a step value that can be represented as a 32-bit integer, found value: {value}"
)
RANGE_STEP_ZERO = condition(34449, "$range requires a non-zero step value")
RANGE_TOO_LARGE = condition(ErrorCode.ExceededMemoryLimit, "$range would use too much memory and cannot spill")
IN_TAKES_ARRAY = condition(40081, "$in requires an array as a second argument, found: {kind}")
INDEX_OF_ARRAY_TYPE = condition(40090, "$indexOfArray requires an array as a first argument, found: {kind}")
INDEX_OF_ARRAY_WHOLE = condition(9711600, "{name} requires an integral {which} index, found a value of type: {kind}")
INDEX_OF_ARRAY_NEGATIVE = condition(9711601, "{name} requires a nonnegative {which} index, found: {value}")

# Arrays with a variable
VARIABLE_NAME_TYPE = condition(ErrorCode.FailedToParse, "a variable name must be a string, found: {kind}")
MAP_NEEDS_OBJECT = condition(16878, "$map only supports an object as its argument")
MAP_UNKNOWN_FIELD = condition(16879, "Unrecognized parameter to $map: {field}")
MAP_WITHOUT_INPUT = condition(16880, "Missing 'input' parameter to $map")
MAP_WITHOUT_IN = condition(16882, "Missing 'in' parameter to $map")
MAP_TAKES_ARRAY = condition(16883, "input to $map must be an array not {kind}")
FILTER_NEEDS_OBJECT = condition(28646, "$filter only supports an object as its argument")
FILTER_UNKNOWN_FIELD = condition(28647, "Unrecognized parameter to $filter: {field}")
FILTER_WITHOUT_INPUT = condition(28648, "Missing 'input' parameter to $filter")
FILTER_WITHOUT_COND = condition(28650, "Missing 'cond' parameter to $filter")
FILTER_TAKES_ARRAY = condition(28651, "input to $filter must be an array not {kind}")
FILTER_LIMIT_WHOLE = condition(327391, "$filter: limit must be represented as a 32-bit integral value: {value}")
FILTER_LIMIT_POSITIVE = condition(327392, "$filter: limit must be greater than 0: {value}")
REDUCE_NEEDS_OBJECT = condition(40075, "$reduce requires an object as an argument")
REDUCE_UNKNOWN_FIELD = condition(40076, "$reduce found an unknown argument: {field}")
REDUCE_WITHOUT_INPUT = condition(40077, "$reduce requires 'input' to be specified")
REDUCE_WITHOUT_INITIAL_VALUE = condition(40078, "$reduce requires 'initialValue' to be specified")
REDUCE_WITHOUT_IN = condition(40079, "$reduce requires 'in' to be specified")
REDUCE_TAKES_ARRAY = condition(40080, "$reduce requires that 'input' be an array, found: {kind}")
ZIP_NEEDS_OBJECT = condition(34460, "$zip only supports an object as an argument, found {kind}")
ZIP_INPUTS_ARRAY = condition(34461, "inputs must be an array of expressions, found {kind}")
ZIP_DEFAULTS_ARRAY = condition(34462, "defaults must be an array of expressions, found {kind}")
ZIP_LONGEST_BOOL = condition(34463, "useLongestLength must be a bool, found {kind}")
ZIP_UNKNOWN_FIELD = condition(34464, "$zip found an unknown argument: {field}")
ZIP_WITHOUT_INPUTS = condition(34465, "$zip requires at least one input array")
ZIP_DEFAULTS_UNUSED = condition(34466, "cannot specify defaults unless useLongestLength is true")
ZIP_DEFAULTS_COUNT = condition(34467, "defaults and inputs must have the same length")
ZIP_TAKES_ARRAYS = condition(34468, "$zip found a non-array expression in input: {kind}")
SORT_ARRAY_NEEDS_OBJECT = condition(2942500, "$sortArray requires an object as an argument")
SORT_ARRAY_UNKNOWN_FIELD = condition(2942501, "$sortArray found an unknown argument: {field}")
SORT_ARRAY_WITHOUT_INPUT = condition(2942502, "$sortArray requires 'input' to be specified")
SORT_ARRAY_WITHOUT_SORT_BY = condition(2942503, "$sortArray requires 'sortBy' to be specified")
SORT_ARRAY_TAKES_ARRAY = condition(
    2942504, "The input argument to $sortArray must be an array, but was of type: {kind}"
)
SORT_ARRAY_PATTERN = condition(2942505, "Invalid $sort pattern: the values must be 1 or -1")
SORT_ARRAY_DIRECTION = condition(2942506, "Invalid sort order: it must be 1 or -1")
SORT_ARRAY_SORT_BY_TYPE = condition(2942507, "sortBy must be 1, -1 or an object")

# Sets
SET_UNION_TYPE = condition(17043, "All operands of $setUnion must be arrays. One argument is of type: {kind}")
SET_INTERSECTION_TYPE = condition(
    17047, "All operands of $setIntersection must be arrays. One argument is of type: {kind}"
)
SET_DIFFERENCE_FIRST = condition(
    17048, "both operands of $setDifference must be arrays. First argument is of type: {kind}"
)
SET_DIFFERENCE_SECOND = condition(
    17049, "both operands of $setDifference must be arrays. Second argument is of type: {kind}"
)
SET_EQUALS_TYPE = condition(17044, "All operands of $setEquals must be arrays. One argument is of type: {kind}")
SET_EQUALS_CONSTANT_TYPE = condition(
    5887502, "All operands of $setEquals must be arrays. One argument is of type: {kind}"
)
SET_EQUALS_COUNT = condition(17045, "$setEquals needs at least two arguments had: {count}")
SET_SUBSET_FIRST = condition(17046, "both operands of $setIsSubset must be arrays. First argument is of type: {kind}")
SET_SUBSET_SECOND = condition(17042, "both operands of $setIsSubset must be arrays. Second argument is of type: {kind}")
ALL_ELEMENTS_TYPE = condition(17040, "$allElementsTrue's argument must be an array, but is {kind}")
ANY_ELEMENT_TYPE = condition(17041, "$anyElementTrue's argument must be an array, but is {kind}")
FIRST_TAKES_ARRAY = condition(28689, "{name}'s argument must be an array, but is {kind}")

# Documents
MERGE_OBJECTS_TYPE = condition(40400, "$mergeObjects requires object inputs, but input is of type {kind}")
OBJECT_TO_ARRAY_TYPE = condition(40390, "$objectToArray requires a document input, found: {kind}")
ARRAY_TO_OBJECT_TYPE = condition(40386, "$arrayToObject requires an array input, found: {kind}")
ARRAY_TO_OBJECT_ELEMENT = condition(40398, "Unrecognised input type format for $arrayToObject: {kind}")
PAIR_FORMS = condition(40396, "$arrayToObject requires a consistent input format. Expected an array, found: {kind}")
PAIR_LENGTH = condition(40397, "$arrayToObject requires an array of size 2 arrays, found array of size: {count}")
PAIR_NAME_TYPE = condition(
    40395,
    "$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: {kind}",
)
PAIR_NAME_NUL = condition(4940400, "Key field cannot contain an embedded null byte")
FIELD_DOCUMENT_FORMS = condition(
    40391, "$arrayToObject requires a consistent input format. Expected an object, found: {kind}"
)
FIELD_DOCUMENT_SIZE = condition(
    40392, "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:{count}"
)
FIELD_DOCUMENT_NAMES = condition(
    40393, "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys"
)
FIELD_DOCUMENT_KEY_TYPE = condition(
    40394,
    "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. "
    "Found type: {kind}",
)
FIELD_DOCUMENT_KEY_NUL = condition(4940401, "Key field cannot contain an embedded null byte")
GET_FIELD_UNKNOWN_FIELD = condition(3041701, "$getField found an unknown argument: {field}")
GET_FIELD_WITHOUT_FIELD = condition(3041702, "$getField requires 'field' to be specified")
GET_FIELD_WITHOUT_INPUT = condition(3041703, "$getField requires 'input' to be specified")
GET_FIELD_NAME_TYPE = condition(3041704, "$getField requires 'field' to evaluate to type String, but got {kind}")
GET_FIELD_CONSTANT_TYPE = condition(
    5654602, "$getField requires 'field' to evaluate to a constant String, but got {kind}"
)
SET_FIELD_NEEDS_OBJECT = condition(4161100, "{name} only supports an object as its argument")
SET_FIELD_UNKNOWN_FIELD = condition(4161101, "{name} found an unknown argument: {field}")
SET_FIELD_WITHOUT_FIELD = condition(4161102, "{name} requires 'field' to be specified")
SET_FIELD_WITHOUT_VALUE = condition(4161103, "{name} requires 'value' to be specified")
SET_FIELD_WITHOUT_INPUT = condition(4161109, "{name} requires 'input' to be specified")
SET_FIELD_INPUT_TYPE = condition(4161105, "$setField requires 'input' to evaluate to type Object, but got {kind}")
SET_FIELD_NAME_NOT_CONSTANT = condition(
    4161106, "{name} requires 'field' to evaluate to a constant, but got a non-constant argument"
)
SET_FIELD_NAME_TYPE = condition(4161107, "{name} requires 'field' to evaluate to type String, but got {kind}")
SET_FIELD_PATH_AS_NAME = condition(
    4161108, "'{name}' 'field' must be a constant string; use $literal for a name that starts with '$'"
)
SET_FIELD_NAME_NUL = condition(9534700, "{name}: 'field' cannot contain an embedded null byte")

# Timestamps
TS_SECOND_TYPE = condition(5687301, "$tsSecond requires argument of type timestamp, found {kind}")
TS_INCREMENT_TYPE = condition(5687302, "$tsIncrement requires argument of type timestamp, found {kind}")

# Bitwise, trigonometry, chance
BITS_TAKE_WHOLE_NUMBERS = condition(ErrorCode.TypeMismatch, "{name} only supports int and long operands, not {kind}")
BIT_NOT_TAKES_WHOLE_NUMBER = condition(28765, "$bitNot only supports int and long, not {kind}")
TRIGONOMETRY_RANGE = condition(50989, "cannot apply {name} to {value}, value is out of range")
ATAN2_TAKES_NUMBERS = condition(51044, "$atan2 only supports numeric types")
RAND_NEEDS_OBJECT = condition(10065, "invalid parameter: expected an object ($rand)")
RAND_TAKES_NOTHING = condition(3040501, "$rand does not currently accept arguments")
CREATE_OBJECT_ID_TAKES_NOTHING = condition(
    ErrorCode.FailedToParse,
    "$createObjectId only accepts the empty object as argument. To convert a value to an ObjectId, use $toObjectId.",
)

# $firstN, $lastN, $minN, $maxN, $top, $topN, $bottom, $bottomN
N_NEEDS_OBJECT = condition(5787801, "specification must be an object for {name}")
N_UNKNOWN_FIELD = condition(5787901, "Unknown argument to {name}: {field}")
N_TYPE = condition(5787902, "Value for 'n' must be of integral type, but found {kind}")
N_NOT_WHOLE = condition(5787903, "Value for 'n' must be of integral type, but found {value}")
N_WITHOUT_N = condition(5787906, "Missing value for 'n' in {name}")
N_WITHOUT_INPUT = condition(5787907, "Missing value for 'input' in {name}")
N_NOT_POSITIVE = condition(5787908, "'n' must be greater than 0, found {value}")
N_IN_GROUP = condition(7548606, "'n' must be a positive integral value, found {value}")
N_TAKES_ARRAY = condition(5788200, "{name}: input must be an array, found {kind}")
TOP_NEEDS_OBJECT = condition(5788001, "specification must be an object for {name}")
TOP_UNKNOWN_FIELD = condition(5788002, "Unknown argument to {name}: '{field}'")
TOP_WITHOUT_N = condition(5788003, "Missing value for 'n' in {name}")
TOP_WITHOUT_OUTPUT = condition(5788004, "Missing value for 'output' in {name}")
TOP_WITHOUT_SORT_BY = condition(5788005, "Missing value for 'sortBy' in {name}")
TOP_SORT_BY_TYPE = condition(5788604, "expected 'sortBy' to be an object in {name}, found {kind}")

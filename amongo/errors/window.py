"""Errors of window functions, $setWindowFields, $densify, $fill, $median and $percentile.

Source: MongoDB manual, the pages of these stages and functions; Error Codes.
"""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# $setWindowFields
SPEC_NOT_OBJECT = condition(
    ErrorCode.FailedToParse, "the $setWindowFields stage specification must be an object, found {kind}"
)
OUTPUT_CONFLICT = condition(6307900, "$setWindowFields 'output' specification contains two conflicting paths")
FUNCTION_NOT_OBJECT = condition(ErrorCode.FailedToParse, "The field '{field}' must be an object")
UNKNOWN_FUNCTION = condition(ErrorCode.FailedToParse, "Unrecognized window function, {name}")
NO_FUNCTION = condition(ErrorCode.FailedToParse, "Expected a $-prefixed window function{found}")
TWO_FUNCTIONS = condition(ErrorCode.FailedToParse, "Cannot specify two functions in window function spec")
UNKNOWN_ARGUMENT = condition(ErrorCode.FailedToParse, "Window function found an unknown argument: {field}")
UNEXPECTED_ARGUMENT = condition(ErrorCode.FailedToParse, "{name} got unexpected argument: {field}")
PARTITION_CONSTANT_ARRAY = condition(
    ErrorCode.TypeMismatch, "An expression used to partition cannot evaluate to value of type array"
)
PARTITION_ARRAY = condition(ErrorCode.TypeMismatch, "Cannot 'partitionBy' an expression of type array")

# Bounds
WINDOW_NOT_OBJECT = condition(ErrorCode.FailedToParse, "'window' field must be an object")
BOTH_BOUNDS = condition(ErrorCode.FailedToParse, "Window bounds can specify either 'documents' or 'unit', not both.")
UNIT_WITHOUT_RANGE = condition(
    ErrorCode.FailedToParse, "Window bounds can only specify 'unit' with range-based bounds."
)
WINDOW_FIELDS = condition(
    ErrorCode.FailedToParse,
    "'window' field can only contain 'documents' as the only argument or 'range' with an optional 'unit' field",
)
DOCUMENTS_FIELDS = condition(
    ErrorCode.FailedToParse, "'window' field that specifies documents cannot have other fields"
)
UNIT_FIELDS = condition(
    ErrorCode.FailedToParse, "'window' field that specifies unit cannot have other fields besides 'range'"
)
RANGE_FIELDS = condition(
    ErrorCode.FailedToParse, "'window' field that specifies range cannot have other fields besides 'unit'"
)
BOUNDS_NOT_PAIR = condition(ErrorCode.FailedToParse, "Window bounds must be a 2-element array: {bounds}")
BOUND_WORD = condition(ErrorCode.FailedToParse, "Window bounds must be 'unbounded', 'current', or a number.")
BOUND_NOT_CONSTANT = condition(ErrorCode.FailedToParse, "Window bounds expression must be a constant.")
DOCUMENT_BOUND_NOT_INTEGER = condition(ErrorCode.FailedToParse, "Numeric document-based bounds must be an integer")
RANGE_BOUND_NOT_NUMBER = condition(ErrorCode.FailedToParse, "Range-based bounds expression must be a number")
RANGE_BOUND_NOT_INTEGER = condition(ErrorCode.FailedToParse, "With 'unit', range-based bounds must be an integer")
UNIT_NOT_STRING = condition(ErrorCode.FailedToParse, "'unit' must be a string")
BOUNDS_REVERSED = condition(5339900, "Lower bound must not exceed upper bound: [{lower}, {upper}]")
DOCUMENTS_WITHOUT_SORT = condition(5339901, "Document-based bounds require a sortBy")
RANGE_WITHOUT_SORT = condition(5339902, "Range-based bounds require sortBy a single field")
RANGE_SORT_EXPRESSION = condition(8947400, "Range-based bounds require a non-expression sortBy")
RANGE_SORT_DESCENDING = condition(8947401, "Range-based bounds require an ascending sortBy")
RANGE_NOT_DATE = condition(5429513, "Invalid range: Expected the sortBy field to be a Date, but it was {kind}")
RANGE_DATE_WITHOUT_UNIT = condition(
    5429413, "Invalid range: For windows that involve date or time ranges, a unit must be provided."
)
RANGE_NOT_NUMBER = condition(5429414, "Invalid range: Expected the sortBy field to be a number, but it was {kind}")

# Functions
COUNT_ARGUMENT = condition(ErrorCode.FailedToParse, "$count only accepts an empty object as argument")
RANK_ALONE = condition(5371601, "Rank style window functions take no other arguments")
RANK_SORT = condition(5371602, "{name} must be specified with a top level sortBy expression with exactly one element")
RANK_ARGUMENT = condition(5371603, "{name} must be specified with '{{}}' as the value")
WINDOW_NOT_ALLOWED = condition(ErrorCode.FailedToParse, "'window' field is not allowed in {name}")
SHIFT_WINDOW = condition(ErrorCode.FailedToParse, "$shift does not accept a 'window' field")
SHIFT_NOT_OBJECT = condition(ErrorCode.FailedToParse, "Argument to $shift must be an object")
SHIFT_DEFAULT = condition(ErrorCode.FailedToParse, "'$shift:default' expression must yield a constant value.")
SHIFT_BY = condition(ErrorCode.FailedToParse, "'$shift:by' field must be an integer, but found by: {value}")
SHIFT_UNKNOWN_FIELD = condition(ErrorCode.FailedToParse, "Unknown argument in $shift")
SHIFT_WITHOUT_OUTPUT = condition(ErrorCode.FailedToParse, "$shift requires an 'output' expression.")
SHIFT_WITHOUT_BY = condition(ErrorCode.FailedToParse, "$shift requires 'by' as an integer value.")
SHIFT_SORT = condition(ErrorCode.FailedToParse, "'$shift' requires a sortBy")
SLOPE_SORT = condition(ErrorCode.FailedToParse, "{name} requires a sortBy")
SLOPE_COMPOUND_SORT = condition(ErrorCode.FailedToParse, "{name} requires a non-compound sortBy")
SLOPE_EXPRESSION_SORT = condition(ErrorCode.FailedToParse, "{name} requires a non-expression sortBy")
SLOPE_NOT_OBJECT = condition(ErrorCode.FailedToParse, "{name} expects an object, but got a {kind}: {value}")
SLOPE_UNIT_TYPE = condition(ErrorCode.FailedToParse, "unit' must be a string, but got {kind}")
SLOPE_UNIT_SIZE = condition(5490710, "unit must be 'week' or smaller")
SLOPE_WITHOUT_INPUT = condition(ErrorCode.FailedToParse, "{name} requires an 'input' expression")
DERIVATIVE_WINDOW = condition(ErrorCode.FailedToParse, "$derivative requires explicit window bounds")
DERIVATIVE_NOT_DATE = condition(5624900, "$derivative with 'unit' expects the sortBy field to be a Date")
DERIVATIVE_DATE = condition(5624901, "$derivative where the sortBy is a Date requires an 'unit'")
DERIVATIVE_NOT_NUMBER = condition(5624902, "$derivative (with no 'unit') expects the sortBy field to be numeric")
DERIVATIVE_NULL = condition(5624903, "$derivative input must not be null or missing")
INTEGRAL_INPUT = condition(
    5423900,
    "The input value of $integral window function must be a vector of 2 value, the first value must be numeric or "
    "date type and the second must be numeric.",
)
INTEGRAL_NOT_DATE = condition(5423901, "$integral with 'unit' expects the sortBy field to be a Date")
INTEGRAL_NOT_NUMBER = condition(5423902, "$integral (with no 'unit') expects the sortBy field to be numeric")
AVERAGE_NOT_OBJECT = condition(
    ErrorCode.FailedToParse, "$expMovingAvg must have exactly one argument that is an object"
)
AVERAGE_FIELDS = condition(
    ErrorCode.FailedToParse,
    "$expMovingAvg sub object must have exactly two fields: An 'input' field, and either an 'N' field or an 'alpha' "
    "field",
)
AVERAGE_SORT = condition(ErrorCode.FailedToParse, "$expMovingAvg requires an explicit 'sortBy'")
AVERAGE_N_TYPE = condition(ErrorCode.FailedToParse, "'N' field must be an integer, but found type {kind}")
AVERAGE_N_WHOLE = condition(
    ErrorCode.FailedToParse,
    "'N' field must be an integer, but found  N: {value}. To use a non-integer, use the 'alpha' argument instead",
)
AVERAGE_N_POSITIVE = condition(ErrorCode.FailedToParse, "'N' must be greater than zero. Got {value}")
AVERAGE_ALPHA_TYPE = condition(ErrorCode.FailedToParse, "'alpha' must be a number")
AVERAGE_ALPHA_RANGE = condition(
    ErrorCode.FailedToParse, "'alpha' must be between 0 and 1 (exclusive), found alpha: {value}"
)
FILL_SORT = condition(605001, "{name} must be specified with a top level sortBy expression with exactly one element")
FILL_INPUT_TYPE = condition(ErrorCode.TypeMismatch, "Value to be filled must be numeric or nullish, but found {kind}")
FILL_SORT_TYPE = condition(
    ErrorCode.TypeMismatch, "Value of the sortBy field must be numeric or a date, but found {kind}"
)
FILL_SORT_REPEATED = condition(6050106, "There can be no repeated values in the sort field")
FILL_SORT_MIXED = condition(
    ErrorCode.TypeMismatch,
    "Conflicting sort value types, previously received type {before}, but found {kind}",
)
SCALER_BOUND = condition(
    ErrorCode.FailedToParse,
    "{side} specified bound cannot be {relation} than 0 (the current doc), as $minMaxScaler must ensure that the "
    "current document being processed is always within the configured window. {side} specified bound = {value}",
)
SCALER_NOT_CONSTANT = condition(ErrorCode.FailedToParse, "'{field}' argument to $minMaxScaler must be a constant")
SCALER_NOT_NUMBER = condition(ErrorCode.FailedToParse, "'{field}' argument to $minMaxScaler must be a numeric type")
SCALER_HALF = condition(
    ErrorCode.FailedToParse,
    "Only one of 'min' and 'max' were specified as an argument to $minMaxScaler. Neither or both must be specified",
)
SCALER_ORDER = condition(
    ErrorCode.FailedToParse, "the 'max' must be strictly greater than 'min', as arguments to $minMaxScaler"
)
SCALER_INPUT = condition(10487000, "'input' argument to $minMaxScaler must evaluate to a numeric type, got: {kind}")

# $median, $percentile
QUANTILE_NOT_OBJECT = condition(7436200, "specification must be an object; found {name}: {value}")
MEDIAN_NOT_OBJECT = condition(7436201, "specification must be an object; found {name}: {value}")
QUANTILE_FOLD_NOT_OBJECT = condition(7429703, "specification must be an object; found {name}: {value}")
MEDIAN_FOLD_NOT_OBJECT = condition(7436100, "specification must be an object; found {name}: {value}")
QUANTILE_METHOD = condition(ErrorCode.BadValue, "Currently only 'approximate' can be used as percentile 'method'.")
QUANTILE_P_NOT_CONSTANT = condition(
    7750300, "The $percentile 'p' field must be an array of constant values, but found value: {value}."
)
QUANTILE_P_NOT_ARRAY = condition(
    7750301, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: {value}"
)
QUANTILE_P_TYPE = condition(
    7750302, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: {value}"
)
QUANTILE_P_RANGE = condition(
    7750303, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: {value}"
)

# $densify
DENSIFY_NOT_OBJECT = condition(
    ErrorCode.FailedToParse, "The $densify stage specification must be an object, found {kind}"
)
DENSIFY_STEP = condition(5733401, "The step parameter in a range statement must be a strictly positive numeric value")
DENSIFY_STEP_WHOLE = condition(
    6586400, "The step parameter in a range statement must be a whole number when densifying a date range"
)
DENSIFY_BOUNDS_ORDER = condition(
    5733402, "A bounding array must be an ascending array of either two dates or two numbers"
)
DENSIFY_BOUNDS_COUNT = condition(5733403, "A bounding array in a range statement must have exactly two elements")
DENSIFY_BOUNDS_TYPE = condition(
    5733404,
    "The bounds in a range statement must be the string 'full', 'partition', or an ascending array of two numbers or "
    "two dates",
)
DENSIFY_BOUNDS_NOT_DATES = condition(5733405, "A bounding array must contain either both dates or both numeric types")
DENSIFY_BOUNDS_NOT_NUMBERS = condition(5733406, "A bounding array must contain either both dates or both numeric types")
DENSIFY_PARTITION_WITHOUT_FIELDS = condition(
    5733408,
    "One cannot specify the bounds as 'partition' without specifying a non-empty array of partitionByFields. You may "
    "have meant to specify 'full' bounds.",
)
DENSIFY_NUMBERS_WITH_UNIT = condition(5733409, "Numeric bounds may not have unit parameter")
DENSIFY_DATES_WITHOUT_UNIT = condition(5733410, "A bounding array of dates must specify a unit")
DENSIFY_TYPES_DIFFER = condition(5876900, "Upper bound, lower bound, and step must all have the same type")
DENSIFY_BOUNDS_OTHER = condition(5946800, "Explicit bounds must be numeric or dates")
DENSIFY_BOUNDS_WORD = condition(5946802, "Bounds string must either be 'full' or 'partition'")
DENSIFY_PARTITION_IN_FIELD = condition(
    8993000, "partitionByFields '{partition}' cannot include field '{field}' that is being densified."
)
DENSIFY_FIELD_IN_PARTITION = condition(
    9554500, "field '{field}' that is being densified cannot include partitionByFields '{partition}'."
)
DENSIFY_VALUE_TYPE = condition(5733201, "Densify field type must be numeric or a date")
DENSIFY_VALUE_NUMBER = condition(6053600, "Encountered numeric densify value in collection when step has a date unit.")
DENSIFY_VALUE_DATE = condition(
    6053600, "Encountered date densify value in collection when step does not have a date unit."
)
DENSIFY_IN_ARRAY = condition(5733307, "$densify cannot generate fields nested inside arrays")
DENSIFY_OVERWRITES = condition(5733308, "$densify cannot overwrite non-object values with objects")
DENSIFY_MEMORY = condition(6007200, "{name} exceeded memory limit of 104857600")
DENSIFY_TOO_MANY = condition(
    5897900,
    "Generated {count} documents in $densify, which is over the limit of {limit}. Increase the "
    "'internalQueryMaxAllowedDensifyDocs' parameter to allow more generated documents",
)

# $fill
FILL_NOT_OBJECT = condition(ErrorCode.FailedToParse, "The $fill stage specification must be an object, found {kind}")
FILL_EMPTY = condition(6050203, "The output field in '$fill' must contain an object with at least one element")
FILL_OUTPUT_NOT_OBJECT = condition(6050200, "Each fill output specification must be an object with exactly one field")
FILL_METHOD_AND_VALUE = condition(
    6050201, "Each fill output specification must have exactly one of 'method' or 'value' fields, not both"
)
FILL_METHOD = condition(6050202, "Method must be either locf or linear")
FILL_PARTITION_TWICE = condition(
    6050204, "Maximum one of 'partitionBy' and 'partitionByFields can be specified in '$fill'"
)

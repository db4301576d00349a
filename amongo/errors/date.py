"""Errors of date expressions (source: MongoDB manual, Date Expression Operators; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Dates and time zones
NOT_A_DATE = condition(16006, "can't convert from BSON type {kind} to Date")
ZONE_TYPE = condition(40517, "timezone must evaluate to a string, found {kind}")
UNKNOWN_ZONE = condition(40485, 'unrecognized time zone identifier: "{name}"')
UNIT_TYPE = condition(5439013, "{name} requires 'unit' to be a string, but got {kind}")
UNKNOWN_UNIT = condition(ErrorCode.FailedToParse, "unknown time unit value: {unit}")
WEEK_START_TYPE = condition(5439015, "{name} requires 'startOfWeek' to be a string, but got {kind}")
UNKNOWN_WEEK_START = condition(
    ErrorCode.FailedToParse,
    "{name} parameter 'startOfWeek' value cannot be recognized as a day of a week: {value}",
)

# Parts of a date
PART_UNKNOWN_FIELD = condition(40535, 'unrecognized option to {name}: "{field}"')
PART_ARGUMENT_COUNT = condition(40536, "{name} accepts exactly one argument if given an array, but was given {count}")
PART_WITHOUT_DATE = condition(40539, "missing 'date' argument to {name}, provided: {spec}")

# $dateToParts, $dateFromParts
TO_PARTS_NEEDS_OBJECT = condition(40524, "$dateToParts only supports an object as its argument")
TO_PARTS_UNKNOWN_FIELD = condition(40520, "Unrecognized argument to $dateToParts: {field}")
TO_PARTS_ISO_TYPE = condition(40521, "iso8601 must evaluate to a bool, found {kind}")
TO_PARTS_WITHOUT_DATE = condition(40522, "Missing 'date' parameter to $dateToParts")
FROM_PARTS_MIXED = condition(40489, "$dateFromParts does not allow mixing natural dates with ISO dates")
FROM_PARTS_TYPE = condition(40515, "'{field}' must evaluate to an integer, found {kind} with value {value}")
FROM_PARTS_WITHOUT_YEAR = condition(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present")
FROM_PARTS_UNKNOWN_FIELD = condition(40518, "Unrecognized argument to $dateFromParts: {field}")
FROM_PARTS_NEEDS_OBJECT = condition(40519, "$dateFromParts only supports an object as its argument")
FROM_PARTS_YEAR_RANGE = condition(40523, "'{field}' must evaluate to an integer in the range 1 to 9999, found {value}")
FROM_PARTS_RANGE = condition(
    31034, "'{field}' must evaluate to a value in the range [-32768, 32767]; value {value} is not in range"
)

# $dateToString, $dateFromString
FORMAT_TYPE = condition(18533, "$dateToString requires that 'format' be a string, found: {kind}")
TO_STRING_UNKNOWN_FIELD = condition(18534, "Unrecognized argument to $dateToString: {field}")
FORMAT_ENDS_IN_PERCENT = condition(18535, "Unmatched '%' at end of format string")
FORMAT_SPECIFIER = condition(18536, "Invalid format character '%{character}' in format string")
TO_STRING_WITHOUT_DATE = condition(18628, "Missing 'date' parameter to $dateToString")
TO_STRING_NEEDS_OBJECT = condition(18629, "$dateToString only supports an object as its argument")
FROM_STRING_NEEDS_OBJECT = condition(40540, "$dateFromString only supports an object as an argument, found: {kind}")
FROM_STRING_UNKNOWN_FIELD = condition(40541, "Unrecognized argument to $dateFromString: {field}")
FROM_STRING_WITHOUT_TEXT = condition(40542, "Missing 'dateString' parameter to $dateFromString")
PARSE_FORMAT_TYPE = condition(40684, "$dateFromString requires that 'format' be a string, found: {kind}")
NOT_A_DATE_TEXT = condition(ErrorCode.ConversionFailure, "Error parsing date string '{text}'; {reason}")
DATE_TEXT_TYPE = condition(
    ErrorCode.ConversionFailure, "$dateFromString requires that 'dateString' be a string, found: {kind}"
)

# $dateAdd, $dateSubtract, $dateDiff, $dateTrunc
ADD_NEEDS_OBJECT = condition(5166400, "{name} expects an object as its argument")
ADD_UNKNOWN_FIELD = condition(5166401, "Unrecognized argument to {name}: {field}")
ADD_INCOMPLETE = condition(5166402, "{name} requires startDate, unit, and amount to be present")
ADD_START_TYPE = condition(5166403, "{name} requires startDate to be convertible to a date")
ADD_AMOUNT_TYPE = condition(5166405, "{name} expects integer amount of time units")
ADD_AMOUNT_RANGE = condition(5976500, "invalid {name} 'amount' parameter value: {amount} {unit}")
ADD_RESULT_RANGE = condition(ErrorCode.Overflow, "date overflow in {name}")
SUBTRACT_LEAST_LONG = condition(6045000, "invalid {name} 'amount' parameter value: {amount}")
DIFF_NEEDS_OBJECT = condition(5166301, "$dateDiff only supports an object as its argument")
DIFF_UNKNOWN_FIELD = condition(5166302, "Unrecognized argument to $dateDiff: {field}")
DIFF_WITHOUT_START = condition(5166303, "Missing 'startDate' parameter to $dateDiff")
DIFF_WITHOUT_END = condition(5166304, "Missing 'endDate' parameter to $dateDiff")
DIFF_WITHOUT_UNIT = condition(5166305, "Missing 'unit' parameter to $dateDiff")
DIFF_DATE_TYPE = condition(5166307, "$dateDiff requires '{field}' to be a date, but got {kind}")
DIFF_OVERFLOW = condition(5166308, "$dateDiff overflowed")
TRUNC_NEEDS_OBJECT = condition(5439007, "$dateTrunc only supports an object as its argument")
TRUNC_UNKNOWN_FIELD = condition(5439008, "Unrecognized argument to $dateTrunc: {field}")
TRUNC_WITHOUT_DATE = condition(5439009, "Missing 'date' parameter to $dateTrunc")
TRUNC_WITHOUT_UNIT = condition(5439010, "Missing 'unit' parameter to $dateTrunc")
TRUNC_DATE_TYPE = condition(5439012, "$dateTrunc requires 'date' to be a date, but got {kind}")
TRUNC_BIN_TYPE = condition(5439017, "$dateTrunc requires 'binSize' to be a 64-bit integer, but got {value}")
TRUNC_BIN_POSITIVE = condition(5439018, "$dateTrunc requires 'binSize' to be greater than 0, but got {value}")
TRUNC_OVERFLOW = condition(5439002, "$dateTrunc overflowed")
TRUNC_BIN_OVERFLOW = condition(5439006, "$dateTrunc: binSize {value} is too large for the unit {unit}")

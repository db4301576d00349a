"""Errors of type conversion (source: MongoDB manual, $convert, $toInt and their like; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# How a conversion is written
CONVERT_NEEDS_OBJECT = condition(
    ErrorCode.FailedToParse, "$convert expects an object of named arguments but found: {kind}"
)
CONVERT_UNKNOWN_FIELD = condition(ErrorCode.FailedToParse, "$convert found an unknown argument: {field}")
CONVERT_WITHOUT_INPUT = condition(ErrorCode.FailedToParse, "Missing 'input' parameter to $convert")
CONVERT_WITHOUT_TO = condition(ErrorCode.FailedToParse, "Missing 'to' parameter to $convert")
CONVERT_ONE_ARGUMENT = condition(50723, "{name} requires a single argument, got {count}")
TARGET_TYPE = condition(ErrorCode.FailedToParse, "$convert's 'to' argument must be a string or number, but is {kind}")
TARGET_NOT_WHOLE = condition(ErrorCode.FailedToParse, "In $convert, numeric 'to' argument is not an integer")
UNKNOWN_TARGET = condition(ErrorCode.BadValue, "Unknown type name: {name}")
TARGET_NUMBER_UNKNOWN = condition(
    ErrorCode.FailedToParse, "In $convert, numeric value for 'to' does not correspond to a BSON type: {number}"
)
SUBTYPE_NOT_WHOLE = condition(4341106, "In $convert, numeric 'subtype' argument is not an integer")
SUBTYPE_UNKNOWN = condition(
    4341107, "In $convert, numeric value for 'subtype' does not correspond to a BinData type: {number}"
)
SUBTYPE_TYPE = condition(4341108, "$convert's 'subtype' argument must be a number, but is {kind}")
FORMAT_TYPE = condition(4341114, "$convert requires that 'format' be a string, found: {kind} with value {value}")
FORMAT_NEEDED = condition(4341115, "Format must be specified when converting from '{source}' to '{target}'")
UNKNOWN_FORMAT = condition(4341125, "Invalid 'format' argument for $convert: {format}")
BYTE_ORDER_TYPE = condition(9130001, "$convert requires that 'byteOrder' be a string, found: {kind}")
UNKNOWN_BYTE_ORDER = condition(9130002, "Invalid 'byteOrder' argument for $convert: {value}")
BASE_NOT_WHOLE = condition(3501300, "In $convert, argument 'base' must be an integer, found: {kind} with value {value}")
UNKNOWN_BASE = condition(3501301, "In $convert, 'base' must be 2, 8, 10 or 16, found: {value}")

# Conversions that fail
NO_CONVERSION = condition(
    ErrorCode.ConversionFailure, "Unsupported conversion from {source} to {target} in $convert with no onError value"
)
CONVERSION_OVERFLOW = condition(
    ErrorCode.ConversionFailure, "Conversion would overflow target type in $convert with no onError value: {value}"
)
CONVERSION_OF_NAN = condition(
    ErrorCode.ConversionFailure, "Attempt to convert {what} value to integer type in $convert with no onError value"
)
UNREADABLE_NUMBER = condition(
    ErrorCode.ConversionFailure, "Failed to parse number '{text}' in $convert with no onError value: {reason}"
)
UNREADABLE_OBJECT_ID = condition(
    ErrorCode.ConversionFailure, "Failed to parse objectId '{text}' in $convert with no onError value: {reason}"
)
UNREADABLE_BINARY = condition(
    ErrorCode.ConversionFailure, "Failed to convert '{text}' in $convert with no onError value: {reason}"
)
UNUSABLE_BINARY = condition(
    ErrorCode.ConversionFailure, "Failed to convert binary data to {target} in $convert with no onError value: {reason}"
)
UNREADABLE_JSON = condition(ErrorCode.ConversionFailure, "Input doesn't represent valid JSON: {reason}")
JSON_OF_ANOTHER_TYPE = condition(ErrorCode.ConversionFailure, "Input doesn't match expected type '{target}'")

# Vectors in binary data that are damaged; `onError` does not catch these
VECTOR_TYPE = condition(
    10506600,
    "Invalid dType for provided BinData vector. Valid options are 0x10 for PACKED_BIT, 0x03 for INT8, or 0x27 for "
    "FLOAT32.",
)
VECTOR_LENGTH = condition(10506601, "binData length invalid")
VECTOR_CUT_OFF = condition(
    10506602,
    "BinData vector of type FLOAT32 was malformed - expected to have at least four bytes left to read a FLOAT32 array "
    "element.",
)
VECTOR_PADDING = condition(10506606, "Padding must be between 0 and 7 for PACKED_BIT vectors, or 0 otherwise")

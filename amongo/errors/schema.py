"""Errors of `$jsonSchema` and of document validation, in the words and with the numbers of MongoDB's parser."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# The schema as a whole
SCHEMA_NOT_OBJECT = condition(ErrorCode.TypeMismatch, "$jsonSchema must be an object")
KEYWORD_UNSUPPORTED = condition(ErrorCode.FailedToParse, "$jsonSchema keyword '{name}' is not currently supported")
KEYWORD_UNKNOWN = condition(ErrorCode.FailedToParse, "Unknown $jsonSchema keyword: {name}")
KEYWORDS_EXCLUSIVE = condition(
    ErrorCode.FailedToParse, "Cannot specify both $jsonSchema keywords '{one}' and '{other}'"
)
ENCRYPT_HAS_TYPE = condition(
    ErrorCode.FailedToParse,
    "$jsonSchema keyword 'encrypt' cannot be used in conjunction with '{other}', 'encrypt' implies type "
    "'bsonType::BinData'",
)

# Operands of one type
NOT_A_STRING = condition(ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be a string")
ANNOTATION_NOT_A_STRING = condition(ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be of type string")
NOT_A_NUMBER = condition(ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be a number")
NOT_A_BOOLEAN = condition(ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be a boolean")
NOT_AN_ARRAY = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be an array, but found an element of type {actual}"
)
NOT_AN_OBJECT = condition(ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be an object")
NOT_OBJECT_OR_BOOLEAN = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be an object or a boolean, but found {actual}"
)
NOT_A_LENGTH = condition(ErrorCode.FailedToParse, "{reason} in: {name}: {operand}")

# Types
TYPE_NOT_STRINGS = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' must be either a string or an array of strings"
)
TYPE_ELEMENT_NOT_STRING = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword '{name}' array elements must be strings"
)
TYPE_INTEGER = condition(ErrorCode.FailedToParse, "$jsonSchema type 'integer' is not currently supported.")
TYPE_TWICE = condition(ErrorCode.FailedToParse, "$jsonSchema keyword '{name}' has duplicate value: {value}")
TYPE_NONE = condition(ErrorCode.FailedToParse, "$jsonSchema keyword '{name}' must name at least one type")

# Numbers and strings
MULTIPLE_NOT_POSITIVE = condition(
    ErrorCode.FailedToParse, "$jsonSchema keyword 'multipleOf' must have a positive value"
)
MULTIPLE_NOT_FINITE = condition(ErrorCode.BadValue, "divisor cannot be {value}")
BOUND_MISSING = condition(
    ErrorCode.FailedToParse, "$jsonSchema keyword '{bound}' must be a present if {name} is present"
)
PATTERN_HAS_NUL = condition(ErrorCode.BadValue, "Regular expression cannot contain an embedded null byte")

# Arrays
ITEMS_KIND = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword 'items' must be an array or an object, not {actual}"
)
ITEMS_ELEMENT = condition(
    ErrorCode.TypeMismatch,
    "$jsonSchema keyword 'items' requires that each element of the array is an object, but found a {actual}",
)

# Objects
REQUIRED_NOT_STRINGS = condition(
    ErrorCode.TypeMismatch,
    "$jsonSchema keyword 'required' must be an array of strings, but found an element of type: {actual}",
)
ARRAY_EMPTY = condition(ErrorCode.FailedToParse, "$jsonSchema keyword '{name}' cannot be an empty array")
ARRAY_DUPLICATE = condition(
    ErrorCode.FailedToParse, "$jsonSchema keyword '{name}' array cannot contain duplicate values"
)
PROPERTY_NOT_OBJECT = condition(
    ErrorCode.TypeMismatch, "Nested schema for $jsonSchema property '{name}' must be an object"
)
PATTERN_PROPERTY_NOT_OBJECT = condition(
    ErrorCode.TypeMismatch, "$jsonSchema keyword 'patternProperties' has property '{name}' which is not an object"
)
PATTERN_PROPERTY_INVALID = condition(
    ErrorCode.BadValue, "Invalid regular expression in $jsonSchema keyword 'patternProperties': {name}: {reason}"
)
DEPENDENCY_KIND = condition(
    ErrorCode.TypeMismatch,
    "property '{name}' in $jsonSchema keyword 'dependencies' must be either an object or an array",
)
DEPENDENCY_EMPTY = condition(
    ErrorCode.FailedToParse, "property '{name}' in $jsonSchema keyword 'dependencies' cannot be an empty array"
)
DEPENDENCY_NOT_STRING = condition(
    ErrorCode.TypeMismatch,
    "array '{name}' in $jsonSchema keyword 'dependencies' can only contain strings, but found element of type: "
    "{actual}",
)
DEPENDENCY_DUPLICATE = condition(
    ErrorCode.FailedToParse, "array '{name}' in $jsonSchema keyword 'dependencies' contains duplicate element: {value}"
)

# Logical keywords
SUBSCHEMAS_EMPTY = condition(ErrorCode.BadValue, "$jsonSchema keyword '{name}' must be a non-empty array")
SUBSCHEMA_NOT_OBJECT = condition(
    ErrorCode.TypeMismatch,
    "$jsonSchema keyword '{name}' must be an array of objects, but found an element of type {actual}",
)

# Encryption
METADATA_EMPTY = condition(ErrorCode.FailedToParse, "$jsonSchema keyword 'encryptMetadata' cannot be an empty object")
ENCRYPTION_FIELD_UNKNOWN = condition(40415, "BSON field '{keyword}.{name}' is an unknown field.")
ENCRYPTION_FIELD_TYPE = condition(
    ErrorCode.TypeMismatch, "BSON field '{keyword}.{name}' is the wrong type '{actual}', expected type '{expected}'"
)
ALGORITHM_UNKNOWN = condition(
    ErrorCode.BadValue, "Enumeration value '{value}' for field '{keyword}.algorithm' is not a valid value."
)
KEY_ID_KIND = condition(51085, "Expected either string or array of UUID for EncryptSchemaKeyId, found {actual}")
KEY_ID_NOT_BINARY = condition(51088, "Array elements must have type BinData, found {actual}")
KEY_ID_NOT_UUID = condition(51084, "Array elements must have bindata type UUID, found {actual}")
POINTER_EMPTY = condition(51064, "Empty JSON pointer")
POINTER_RELATIVE = condition(51065, "First character of a JSON pointer must be /")

# Validators
VALIDATION_FAILED = condition(ErrorCode.DocumentValidationFailure, "Document failed validation")
ENCRYPTION_NOT_STRICT = condition(
    ErrorCode.QueryFeatureNotAllowed, "Encryption-related validator keywords are not allowed in this context"
)
VALIDATOR_ON_SYSTEM = condition(
    ErrorCode.InvalidOptions, "Document validators not allowed on system collection {namespace}"
)
VALIDATOR_ON_INTERNAL = condition(
    ErrorCode.InvalidOptions,
    "Document validators are not allowed on collection {namespace} in the {database} internal database",
)
VALIDATOR_FUNCTION = condition(4660800, "$function is not allowed in document validators")
VALIDATOR_EMIT = condition(4660801, "$_internalJsEmit is not allowed in document validators")

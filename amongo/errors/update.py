"""Errors of updates: parsing update operators, walking paths, what a document may become."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# The update as a whole
UNKNOWN_MODIFIER = condition(
    ErrorCode.FailedToParse,
    "Unknown modifier: {name}. Expected a valid update modifier or pipeline-style update specified as an array",
)
UPDATE_NOT_A_DOCUMENT = condition(
    ErrorCode.FailedToParse, "Update argument must be either an object or an array, found: {kind}"
)
MODIFIER_NOT_A_DOCUMENT = condition(
    ErrorCode.FailedToParse,
    "Modifiers operate on fields but we found type {kind} instead. "
    "For example: {{$mod: {{<field>: ...}}}} not {{{modifier}}}",
)
STAGE_NOT_A_DOCUMENT = condition(ErrorCode.TypeMismatch, "Each element of the 'pipeline' array must be an object")
STAGE_FIELD_COUNT = condition(40323, "A pipeline stage specification object must contain exactly one field.")
STAGE_NOT_ALLOWED = condition(ErrorCode.InvalidOptions, "{name} is not allowed to be used within an update")
PIPELINE_NEEDS_RUNNER = condition(
    ErrorCode.InternalError, "a pipeline update can only be applied when the caller gives the means to run it"
)

# Paths
EMPTY_PATH = condition(ErrorCode.EmptyFieldName, "An empty update path is not valid.")
EMPTY_PATH_PART = condition(
    ErrorCode.EmptyFieldName, "The update path '{path}' contains an empty field name, which is not allowed."
)
TOO_MANY_POSITIONAL = condition(ErrorCode.BadValue, "Too many positional (i.e. '$') elements found in path '{path}'")
POSITIONAL_FIRST = condition(
    ErrorCode.BadValue, "Cannot have positional (i.e. '$') element in the first position in path '{path}'"
)
ARRAY_FILTER_FIRST = condition(
    ErrorCode.BadValue,
    "Cannot have array filter identifier (i.e. '$[<id>]') element in the first position in path '{path}'",
)
CONFLICT = condition(
    ErrorCode.ConflictingUpdateOperators, "Updating the path '{path}' would create a conflict at '{at}'"
)
PATH_NOT_VIABLE = condition(ErrorCode.PathNotViable, "Cannot create field '{name}' in element {{{element}}}")
PATH_NOT_TRAVERSABLE = condition(
    ErrorCode.PathNotViable, "cannot use the part ({part} of {path}) to traverse the element ({{{element}}})"
)
CANNOT_BACKFILL = condition(ErrorCode.CannotBackfillArray, "can't backfill more than {limit} elements")
NO_POSITIONAL_MATCH = condition(
    ErrorCode.BadValue, "The positional operator did not find the match needed from the query."
)

# Filters inside an update
NEAR_NOT_ALLOWED = condition(5626500, "$geoNear, $near, and $nearSphere are not allowed in this context")
EXPR_NOT_ALLOWED = condition(ErrorCode.QueryFeatureNotAllowed, "$expr is not allowed in this context")
SPECIAL_NOT_ALLOWED = condition(ErrorCode.BadValue, "{name} is not allowed in this context")

# Array filters
ARRAY_FILTER_TYPE = condition(
    ErrorCode.TypeMismatch,
    "BSON field 'update.updates.arrayFilters.{position}' is the wrong type '{kind}', expected type 'object'",
)
ARRAY_FILTER_WITHOUT_FIELD = condition(
    ErrorCode.FailedToParse, "Cannot use an expression without a top-level field name in arrayFilters"
)
ARRAY_FILTER_TWO_FIELDS = condition(
    ErrorCode.FailedToParse,
    "Error parsing array filter :: caused by :: Expected a single top-level field name, found '{first}' and '{second}'",
)
ARRAY_FILTER_NAME = condition(
    ErrorCode.BadValue,
    "Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning "
    "with a lowercase letter, found '{name}'",
)
ARRAY_FILTER_TWICE = condition(
    ErrorCode.FailedToParse, "Found multiple array filters with the same top-level field name {name}"
)
ARRAY_FILTER_UNUSED = condition(
    ErrorCode.FailedToParse, "The array filter for identifier '{name}' was not used in the update {update}"
)
NO_ARRAY_FILTER = condition(ErrorCode.BadValue, "No array filter found for identifier '{name}' in path '{path}'")
ARRAY_FILTERS_WITH_PIPELINE = condition(
    ErrorCode.FailedToParse, "arrayFilters may not be specified for pipeline-syle updates"
)
ARRAY_FILTERS_WITH_REPLACEMENT = condition(
    ErrorCode.FailedToParse, "arrayFilters may not be specified for replacement-style updates"
)
ARRAY_PATH_MISSING = condition(
    ErrorCode.BadValue, "The path '{path}' must exist in the document in order to apply array updates."
)
ARRAY_UPDATE_ON_OTHER = condition(ErrorCode.BadValue, "Cannot apply array updates to non-array element {element}")

# Field operators
ARITHMETIC_ARGUMENT = condition(ErrorCode.TypeMismatch, "Cannot {verb} with non-numeric argument: {{{argument}}}")
ARITHMETIC_TARGET = condition(
    ErrorCode.TypeMismatch,
    "Cannot apply {operator} to a value of non-numeric type. {document} has the field '{name}' of non-numeric type "
    "{kind}",
)
ARITHMETIC_OVERFLOW = condition(
    ErrorCode.BadValue,
    "Failed to apply {operator} operations to current value ({current}) for document {document}",
)
BIT_ARGUMENT = condition(
    ErrorCode.BadValue,
    "The $bit modifier is not compatible with a {kind}. You must pass in an embedded document: "
    "{{$bit: {{field: {{and/or/xor: #}}}}",
)
BIT_EMPTY = condition(
    ErrorCode.BadValue,
    "You must pass in at least one bitwise operation. The format is: {{$bit: {{field: {{and/or/xor: #}}}}",
)
BIT_OPERATION = condition(
    ErrorCode.BadValue,
    "The $bit modifier only supports 'and', 'or', and 'xor', not '{name}' which is an unknown operator: {{{argument}}}",
)
BIT_NOT_INTEGER = condition(
    ErrorCode.BadValue,
    "The $bit modifier field must be an Integer(32/64 bit); a '{kind}' is not supported here: {{{argument}}}",
)
BIT_TARGET = condition(
    ErrorCode.BadValue,
    "Cannot apply $bit to a value of non-integral type. {document} has the field {name} of non-integer type {kind}",
)
CURRENT_DATE_ARGUMENT = condition(
    ErrorCode.BadValue,
    "{kind} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression "
    "({{$type: 'timestamp/date'}}).",
)
CURRENT_DATE_OPTION = condition(
    ErrorCode.BadValue,
    "Unrecognized $currentDate option: {name}. The only valid field of the option is '$type': "
    "{{$currentDate: {{field : {{$type: 'date/timestamp'}}}}}}",
)
CURRENT_DATE_TYPE = condition(
    ErrorCode.BadValue,
    "The '$type' string field is required to be 'date' or 'timestamp': {{$currentDate: {{field : {{$type: 'date'}}}}}}",
)
RENAME_TARGET_TYPE = condition(ErrorCode.BadValue, "The 'to' field for $rename must be a string: {argument}")
RENAME_NULL_BYTE = condition(9867600, "The 'to' field for $rename cannot contain an embedded null byte")
RENAME_SAME = condition(ErrorCode.BadValue, "The source and target field for $rename must differ: {argument}")
RENAME_SAME_PATH = condition(
    ErrorCode.BadValue, "The source and target field for $rename must not be on the same path: {argument}"
)
RENAME_SOURCE_DYNAMIC = condition(ErrorCode.BadValue, "The source field for $rename may not be dynamic: {path}")
RENAME_TARGET_DYNAMIC = condition(ErrorCode.BadValue, "The destination field for $rename may not be dynamic: {path}")
RENAME_IN_ARRAY = condition(
    ErrorCode.BadValue,
    "The {end} field cannot be an array element, '{path}' in doc with {document} has an array field called '{array}'",
)

# Array operators
EACH_NOT_AN_ARRAY = condition(
    ErrorCode.BadValue, "The argument to $each in $push must be an array but it was of type: {kind}"
)
PUSH_CLAUSE = condition(ErrorCode.BadValue, "Unrecognized clause in $push: {name}")
PUSH_SLICE = condition(ErrorCode.BadValue, "The value for $slice must be an integer value but was given type: {kind}")
PUSH_POSITION = condition(ErrorCode.BadValue, "The value for $position must be an integer value, not of type: {kind}")
PUSH_SORT = condition(
    ErrorCode.BadValue,
    "The $sort is invalid: use 1/-1 to sort the whole element, or {{field:1/-1}} to sort embedded fields",
)
PUSH_SORT_DIRECTION = condition(ErrorCode.BadValue, "The $sort element value must be either 1 or -1")
PUSH_SORT_EMPTY = condition(ErrorCode.BadValue, "The $sort pattern is empty when it should be a set of fields.")
PUSH_SORT_FIELD_EMPTY = condition(ErrorCode.BadValue, "The $sort field cannot be empty")
PUSH_SORT_FIELD_PART = condition(ErrorCode.BadValue, "The $sort field is a dotted field but has an empty part: {path}")
PUSH_TARGET = condition(
    ErrorCode.BadValue, "The field '{name}' must be an array but is of type {kind} in document {document}"
)
ADD_TO_SET_EACH = condition(
    ErrorCode.TypeMismatch, "The argument to $each in $addToSet must be an array but it was of type {kind}"
)
ADD_TO_SET_CLAUSE = condition(ErrorCode.BadValue, "Found unexpected fields after $each in $addToSet: {argument}")
ADD_TO_SET_TARGET = condition(
    ErrorCode.BadValue,
    "Cannot apply $addToSet to non-array field. Field named '{name}' has non-array type {kind}",
)
POP_NOT_A_NUMBER = condition(ErrorCode.FailedToParse, "Expected a number in: {argument}")
POP_NOT_AN_INTEGER = condition(ErrorCode.FailedToParse, "Expected an integer: {argument}")
POP_DIRECTION = condition(ErrorCode.FailedToParse, "$pop expects 1 or -1, found: {value}")
POP_TARGET = condition(ErrorCode.TypeMismatch, "Path '{path}' contains an element of non-array type '{kind}'")
PULL_TARGET = condition(ErrorCode.BadValue, "Cannot apply $pull to a non-array value")
PULL_ALL_ARGUMENT = condition(ErrorCode.BadValue, "$pullAll requires an array argument but was given a {kind}")

# What a document may become
IMMUTABLE_PATH = condition(
    ErrorCode.ImmutableField, "Performing an update on the path '{path}' would modify the immutable field '_id'"
)
IMMUTABLE_ALTERED = condition(
    ErrorCode.ImmutableField,
    "After applying the update, the (immutable) field '_id' was found to have been altered to {element}",
)
DOLLAR_PREFIXED = condition(
    ErrorCode.DollarPrefixedFieldName,
    "The dollar ($) prefixed field '{name}' in '{path}' is not allowed in the context of an update's replacement "
    "document. Consider using an aggregation pipeline with $replaceWith.",
)
INVALID_ID = condition(ErrorCode.InvalidIdField, "The '_id' value cannot be of type {kind}")
TOO_DEEP = condition(ErrorCode.Overflow, "Document exceeds maximum nesting depth of {limit}")

# Upsert
MATCHED_TWICE = condition(
    ErrorCode.NotSingleValueField, "cannot infer query fields to set, path '{path}' is matched twice"
)
BOTH_MATCHED = condition(
    ErrorCode.NotSingleValueField,
    "cannot infer query fields to set, both paths '{first}' and '{second}' are matched",
)
NOT_EXACT_ID = condition(
    ErrorCode.NotExactValueField, "field at '_id' must be exactly specified, field at sub-path '{path}'found"
)

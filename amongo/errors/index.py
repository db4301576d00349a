"""Errors of indexes: their definitions, their keys, and text search."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# What a definition says
CANNOT_CREATE = condition(ErrorCode.CannotCreateIndex, "{message}")
UNKNOWN_OPTION = condition(
    ErrorCode.InvalidIndexSpecificationOption,
    "The field '{field}' is not valid for an index specification. Specification: {definition}",
)
UNKNOWN_ID_OPTION = condition(
    ErrorCode.InvalidIndexSpecificationOption,
    "The field '{field}' is not valid for an _id index specification. Specification: {definition}",
)
WRONG_TYPE = condition(ErrorCode.TypeMismatch, "The field '{field}' must be {expected}, but got {actual}")
NOT_A_BOOLEAN = condition(
    ErrorCode.TypeMismatch, "The field '{field}' has value {element}, which is not convertible to bool"
)
MISSING = condition(ErrorCode.FailedToParse, "The '{field}' field is a required property of an index specification")
VERSION_TOO_LARGE = condition(
    ErrorCode.BadValue, "Index version must be representable as a 32-bit integer, but got {value}"
)
NO_INDEXES = condition(ErrorCode.BadValue, "Must specify at least one index to create")
NAME_IS_STAR = condition(ErrorCode.BadValue, "The index name '*' is not valid.")
NAME_IS_RESERVED = condition(
    ErrorCode.BadValue,
    "The index name '_id_' is reserved for the _id index, which must have key pattern {{_id: 1}}, found key: {pattern}",
)
ID_DESCENDING = condition(ErrorCode.BadValue, "The field 'key' for an _id index must be {{_id: 1}}, but got {pattern}")
EMPTY_COLLATION = condition(ErrorCode.BadValue, "The field 'collation' cannot be an empty object.")
ID_COLLATION = condition(
    ErrorCode.BadValue, "The _id index must have the same collation as the collection. Index collation: {collation}"
)
PARTIAL_FILTER_BANNED = condition(ErrorCode.QueryFeatureNotAllowed, "{name} is not allowed in this context")
PROJECTION_WITHOUT_WILDCARD = condition(
    ErrorCode.BadValue, "The field 'wildcardProjection' is only allowed in an 'wildcard' index"
)
PROJECTION_ON_PATH = condition(
    ErrorCode.FailedToParse,
    "The field 'wildcardProjection' is only allowed when 'key' is {{\"$**\": \u00b11}}, but got {pattern}",
)
PROJECTION_EMPTY = condition(ErrorCode.FailedToParse, "The 'wildcardProjection' field can't be an empty object")
TWO_WILDCARDS = condition(7246201, "wildcard indexes do not allow more than one wildcard field")
WILDCARD_OVERLAPS = condition(
    7246200, "the wildcard of a compound wildcard index must leave out its other fields: {pattern}"
)
HASHED_UNIQUE = condition(16764, "Currently hashed indexes cannot guarantee uniqueness. Use a regular index.")
HASHED_TWICE = condition(
    31303, "A maximum of one index field is allowed to be hashed but found {count} for 'key' {pattern}"
)
GEO_2D_TWICE = condition(16800, "can't have 2 geo fields")
GEO_2D_NOT_FIRST = condition(16801, "2d has to be first in index")
GEO_2D_BITS = condition(
    ErrorCode.InvalidOptions, "bits for hash must be > 0 and <= 32, but {value} bits were specified"
)
GEO_2D_REGION = condition(
    ErrorCode.InvalidOptions,
    "region for hash must be valid and have positive area, but [{low}, {high}] was specified",
)
SPHERE_COARSEST = condition(16747, "coarsestIndexedLevel must be >= 0")
SPHERE_FINEST = condition(16748, "finestIndexedLevel must be <= 30")
SPHERE_LEVELS = condition(16749, "finestIndexedLevel must be >= coarsestIndexedLevel")
TOO_MANY_FIELDS = condition(13103, "too many compound keys")

# What stands in the way
SAME_NAME_OTHER_KEY = condition(
    ErrorCode.IndexKeySpecsConflict,
    "An existing index has the same name as the requested index. When index names are not specified, they are auto "
    "generated and can cause conflicts. Please refer to our documentation. Requested index: {requested}, existing "
    "index: {existing}",
)
SAME_NAME_OTHER_OPTIONS = condition(
    ErrorCode.IndexOptionsConflict,
    "An equivalent index already exists with the same name but different options. Requested index: {requested}, "
    "existing index: {existing}",
)
OTHER_NAME = condition(ErrorCode.IndexOptionsConflict, "Index already exists with a different name: {name}")
OTHER_NAME_AND_OPTIONS = condition(
    ErrorCode.IndexOptionsConflict,
    "An equivalent index already exists with a different name and options. Requested index: {requested}, existing "
    "index: {existing}",
)
IDENTICAL = condition(ErrorCode.IndexAlreadyExists, "Identical index already exists: {name}")
ONE_TEXT_INDEX = condition(
    ErrorCode.CannotCreateIndex,
    'only one text index per collection allowed, found existing text index "{name}"',
)
TOO_MANY = condition(ErrorCode.CannotCreateIndex, "add index fails, too many indexes for {namespace} key:{pattern}")
EMPTY_QUORUM = condition(ErrorCode.BadValue, "commitQuorum's value cannot be {value}")
UNKNOWN_QUORUM = condition(
    ErrorCode.UnknownReplWriteConcern, "No write concern mode named '{name}' found in replica set configuration"
)
UNSATISFIABLE_QUORUM = condition(
    ErrorCode.UnsatisfiableCommitQuorum, "Commit quorum cannot be satisfied with the current replica set configuration"
)

# Dropping
NO_INDEX_NAMED = condition(ErrorCode.IndexNotFound, "index not found with name [{name}]")
NO_INDEX_WITH_KEY = condition(ErrorCode.IndexNotFound, "can't find index with key: {pattern}")
AMBIGUOUS_KEY = condition(
    ErrorCode.AmbiguousIndexKeyPattern,
    "{count} indexes found for key: {pattern}, identify by name instead. Conflicting indexes: {names}",
)
CANNOT_DROP_ID = condition(ErrorCode.InvalidOptions, "cannot drop _id index")
CANNOT_DROP_CLUSTERED = condition(
    5979800, "Cannot drop the clustered index. It can only be dropped with the collection"
)

BUILD_ABORTED = condition(ErrorCode.IndexBuildAborted, "Index build aborted: {reason}")
BUILD_RUNS = condition(
    ErrorCode.BackgroundOperationInProgressForNamespace,
    "cannot perform operation: an index build is currently running for collection '{namespace}'",
)

# Keys
PARALLEL_ARRAYS = condition(ErrorCode.CannotIndexParallelArrays, "cannot index parallel arrays [{one}] [{other}]")
AMBIGUOUS_FIELD = condition(
    16746,
    "Ambiguous field name found in array (do not use numeric field names in embedded elements in an array), field: "
    "'{name}' for array: {array}",
)
HASHED_ARRAY = condition(16766, "hashed indexes do not currently support array values. Found array at path: {path}")
WILDCARD_PREFIX_ARRAY = condition(
    7246301, "Wildcard compound index: a field beside the wildcard cannot hold an array: {path}"
)
DUPLICATE = condition(
    ErrorCode.DuplicateKey,
    "E11000 duplicate key error collection: {namespace} index: {index}{collation} dup key: {key}",
)

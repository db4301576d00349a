"""Errors of geospatial queries and indexes."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# $geoWithin, $geoIntersects
MALFORMED = condition(ErrorCode.BadValue, "{reason}")
EXTRA_FIELD = condition(ErrorCode.BadValue, "can't parse extra field: {element}")
NOT_FIRST = condition(ErrorCode.BadValue, "invalid geo query predicate: {operators}")
GEOMETRY_NOT_OBJECT = condition(ErrorCode.BadValue, "geometry must be an object")
WITHOUT_GEOMETRY = condition(ErrorCode.BadValue, "geo query doesn't have any geometry")
SEVERAL_SHAPES = condition(ErrorCode.BadValue, "$geoWithin doesn't accept multiple shapes {element}")
UNKNOWN_SPECIFIER = condition(ErrorCode.BadValue, "unknown geo specifier: {element}")
WITHIN_NOTHING = condition(ErrorCode.BadValue, "$within not supported with provided geometry: {operators}")
INTERSECT_FLAT = condition(ErrorCode.BadValue, "$geoIntersect not supported with provided geometry: {operators}")

# Near
NEAR_NOT_ALLOWED = condition(5626500, "$geoNear, $near, and $nearSphere are not allowed in this context")
NEAR_NOT_FIRST = condition(ErrorCode.BadValue, "near must be first in: {operators}")
NEAR_POINT = condition(ErrorCode.BadValue, "invalid point provided to geo near query: {point}")
NEAR_TRIPLE_NEGATIVE = condition(18522, "max distance must be non-negative")
NEAR_LEAST_TYPE = condition(16893, "$minDistance must be a number")
NEAR_LEAST_NEGATIVE = condition(16894, "$minDistance must be non-negative")
NEAR_MOST_TYPE = condition(16895, "$maxDistance must be a number")
NEAR_MOST_NEGATIVE = condition(16896, "$maxDistance must be non-negative")
NEAR_SIBLING = condition(34413, "invalid argument in geo near query: {name}")
NEAR_EXTRA = condition(
    ErrorCode.BadValue,
    "geo near accepts just one argument when querying for a GeoJSON point. Extra field found: {element}",
)
NEAR_NOT_OBJECT = condition(ErrorCode.BadValue, "geo near query argument is not an object")
NEAR_ARGUMENT = condition(ErrorCode.BadValue, "invalid argument in geo near query: {name}")
NEAR_GEOMETRY = condition(
    ErrorCode.BadValue, "invalid point in geo near query $geometry argument: {geometry}  {reason}"
)
NEAR_FLAT_GEOMETRY = condition(ErrorCode.BadValue, "$near requires geojson point, given {geometry}")
NEAR_BOUND_TYPE = condition(ErrorCode.BadValue, "{name} must be a number")
NEAR_BOUND_NEGATIVE = condition(ErrorCode.BadValue, "{name} must be non-negative")
NEAR_WITHOUT_GEOMETRY = condition(ErrorCode.BadValue, "$geometry is required for geo near query")
NEAR_OUT_OF_BOUNDS = condition(ErrorCode.BadValue, "Legacy point is out of bounds for spherical query")
NEAR_TWICE = condition(ErrorCode.BadValue, "Too many geoNear expressions")
NEAR_NESTED = condition(ErrorCode.BadValue, "geoNear must be top-level expr")
NEAR_NATURAL_SORT = condition(ErrorCode.BadValue, "geoNear expression not allowed with $natural sort order")
NEAR_NATURAL_HINT = condition(ErrorCode.BadValue, "geoNear expression not allowed with $natural hint")
NEAR_WITH_TEXT = condition(ErrorCode.BadValue, "text and geoNear not allowed in same query")
NEAR_WITHOUT_INDEX = condition(
    ErrorCode.NoQueryExecutionPlans,
    "error processing query: ns={namespace} Tree: GEONEAR  field={path} maxdist={most} isNearSphere={spherical}\n"
    "Sort: {{}}\nProj: {{}}\n planner returned error :: caused by :: unable to find index for $geoNear query",
)
NEAR_OUTSIDE_INDEX = condition(16433, "point not in interval of [ {low}, {high} ]")

# $geoNear
GEO_NEAR_NOT_OBJECT = condition(10065, "invalid parameter: expected an object ($geoNear)")
GEO_NEAR_COLLATION = condition(
    40227,
    "$geoNear does not accept the 'collation' parameter. Instead, specify a collation for the entire aggregation "
    "command.",
)
GEO_NEAR_LIMIT = condition(50858, "$geoNear no longer supports the 'limit' parameter. Use a $limit stage instead.")
GEO_NEAR_NUM = condition(50857, "$geoNear no longer supports the 'num' parameter. Use a $limit stage instead.")
GEO_NEAR_START = condition(50856, "$geoNear no longer supports the 'start' argument.")
GEO_NEAR_WITHOUT_NEAR = condition(5860400, "$geoNear requires a 'near' argument")
GEO_NEAR_POINT_TYPE = condition(5860401, "$geoNear requires near argument to be an object or array, got: {kind}")
GEO_NEAR_POINT_VARIES = condition(5860402, "$geoNear requires near argument to be a constant expression")
GEO_NEAR_LEAST_VARIES = condition(7555701, "$geoNear requires minDistance argument to be a constant expression")
GEO_NEAR_MOST_VARIES = condition(7555702, "$geoNear requires maxDistance argument to be a constant expression")
GEO_NEAR_BOUND_TYPE = condition(ErrorCode.TypeMismatch, "{name} must be a number")
GEO_NEAR_BOUND_NEGATIVE = condition(ErrorCode.BadValue, "{name} must be nonnegative")
GEO_NEAR_DISTANCE_FIELD = condition(16606, "$geoNear requires that the 'distanceField' option is a String")
GEO_NEAR_LOCATIONS_FIELD = condition(16607, "$geoNear requires that 'includeLocs' option is a String")
GEO_NEAR_MULTIPLIER_TYPE = condition(ErrorCode.TypeMismatch, "the distanceMultiplier must be a number")
GEO_NEAR_MULTIPLIER_NEGATIVE = condition(ErrorCode.BadValue, "the distanceMultiplier must be nonnegative")
GEO_NEAR_QUERY_TYPE = condition(ErrorCode.TypeMismatch, "query must be an object")
GEO_NEAR_KEY_TYPE = condition(
    ErrorCode.TypeMismatch, "$geoNear parameter 'key' must be of type string but found type: {kind}"
)
GEO_NEAR_KEY_EMPTY = condition(ErrorCode.BadValue, "$geoNear parameter 'key' cannot be the empty string")
GEO_NEAR_UNKNOWN = condition(ErrorCode.BadValue, "Unknown argument to $geoNear: {name}")
GEO_NEAR_KEY_TOO_DEEP = condition(5729100, "$geoNear parameter 'key' has more than {limit} components")
GEO_NEAR_RESULT_TOO_DEEP = condition(5984700, "$geoNear cannot set a field nested deeper than {limit} levels")
GEO_NEAR_NO_COLLECTION = condition(
    ErrorCode.NamespaceNotFound, "$geoNear requires a geo index to run, but {namespace} does not exist"
)
GEO_NEAR_NO_INDEX = condition(ErrorCode.IndexNotFound, "$geoNear requires a 2d or 2dsphere index, but none were found")
GEO_NEAR_SEVERAL_INDEXES = condition(
    ErrorCode.IndexNotFound,
    "There is more than one {kind} index on {namespace}; unsure which to use for $geoNear",
)

# What an index takes
SPHERE_KEYS = condition(16755, "Can't extract geo keys: {document}  {reason}")
FLAT_NOT_LOCATION = condition(16804, "location object expected, location array not in correct format")
FLAT_SINGLE = condition(13068, "geo field only has 1 element :: caused by :: {document}")
FLAT_NOT_PAIR = condition(
    13026, "geo values must be 'legacy coordinate pairs' for 2d indexes :: caused by :: {document}"
)
FLAT_OUTSIDE = condition(13027, "point not in interval of [ {low}, {high} ] :: caused by :: {document}")

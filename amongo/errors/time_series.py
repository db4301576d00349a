"""Errors of time series collections (source: MongoDB manual, Time Series Collection Limitations)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NO_TIME = condition(ErrorCode.BadValue, "'{field}' must be present and contain a valid BSON UTC datetime value")
NOT_MULTI = condition(ErrorCode.InvalidOptions, "Cannot perform a non-multi update on a time-series collection")
NO_UPSERT = condition(ErrorCode.InvalidOptions, "Cannot perform an upsert on a time-series collection")
NO_SORT = condition(ErrorCode.InvalidOptions, "Cannot perform findAndModify with sort on a time-series collection.")
NO_META_FIELD = condition(
    ErrorCode.InvalidOptions,
    "Cannot perform an update on a time-series collection that does not have a metaField",
)
NOT_BY_PIPELINE = condition(
    ErrorCode.InvalidOptions, "Cannot perform an update on a time-series collection using a pipeline update"
)
NOT_BY_REPLACEMENT = condition(
    ErrorCode.InvalidOptions, "Cannot perform an update on a time-series collection using a replacement document"
)
QUERY_NOT_META = condition(
    ErrorCode.InvalidOptions,
    "Cannot perform an update or delete on a time-series collection when querying on a field that is not the "
    "metaField '{field}'",
)
UPDATE_NOT_META = condition(
    ErrorCode.InvalidOptions,
    "Cannot perform an update on a time-series collection which updates a field that is not the metaField '{field}'",
)
OPERATOR_NOT_IN_UPDATE = condition(
    ErrorCode.InvalidOptions, "Cannot use {name} when performing an update or delete on a time-series collection"
)
INDEX_OPTION = condition(ErrorCode.InvalidOptions, "'{name}' indexes are not supported on time-series collections")
INDEX_KIND = condition(ErrorCode.InvalidOptions, "'{kind}' indexes are not supported on time-series collections")
TTL_INDEX = condition(
    ErrorCode.InvalidOptions,
    "TTL indexes are not supported on time-series collections without a partialFilterExpression on the metaField",
)
SYSTEM_VIEWS_NEEDED = condition(
    ErrorCode.CommandFailed, "cannot drop collection {namespace} when time-series collections are present"
)

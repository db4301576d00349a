"""Errors of views: their definitions, and what cannot be done with them (source: MongoDB manual, Views)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

IS_A_VIEW = condition(ErrorCode.CommandNotSupportedOnView, "Namespace {namespace} is a view, not a collection")
VIEW_CYCLE = condition(ErrorCode.GraphContainsCycle, "View cycle detected: {path}")
VIEWS_TOO_DEEP = condition(
    ErrorCode.ViewDepthLimitExceeded, "View depth limit exceeded; maximum depth is {limit}: {namespace}"
)
VIEW_PIPELINES_TOO_LARGE = condition(
    ErrorCode.ViewPipelineMaxSizeExceeded,
    "View pipeline exceeds maximum size; maximum size is {limit}: {namespace}",
)
VIEW_COLLATION_CONFLICT = condition(
    ErrorCode.OptionNotSupportedOnView, "View {namespace} has conflicting collation with view {other}"
)
VIEW_COLLATION_OVERRIDDEN = condition(
    ErrorCode.OptionNotSupportedOnView, "Cannot override a view's default collation {namespace}"
)
NO_BUCKETS = condition(
    ErrorCode.CommandNotSupported,
    "{namespace} is not in amongo: it keeps the measurements of a time-series collection, not buckets of them",
)
INVALID_DEFINITION = condition(
    ErrorCode.InvalidViewDefinition, "found invalid view definition {definition} while reading 'system.views'"
)
STAGE_NOT_IN_VIEW = condition(ErrorCode.OptionNotSupportedOnView, "{name} cannot be used in a view definition")
NOT_IN_AGGREGATION = condition(ErrorCode.InvalidPipelineOperator, "Option {name} not supported in aggregation.")
NOT_TAILABLE = condition(ErrorCode.InvalidPipelineOperator, "Tailable cursors are not supported in aggregation.")

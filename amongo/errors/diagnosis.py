"""Errors of the stages and commands that tell of the node itself (source: manual, their pages; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Where they may run
ADMIN_AND_NO_COLLECTION = condition(
    ErrorCode.InvalidNamespace, "{name} must be run against the 'admin' database with {{aggregate: 1}}"
)
CATALOG_OF_ADMIN = condition(
    ErrorCode.InvalidNamespace, "Collectionless $listCatalog must be run against the 'admin' database"
)
CLUSTER_CATALOG_OF_DATABASE = condition(9621301, "$listClusterCatalog must be run against a database: {{aggregate: 1}}")
DATA_DISTRIBUTION_SPEC = condition(6789100, "The $shardedDataDistribution stage specification must be an empty object")
DATA_DISTRIBUTION_ROUTER = condition(6789101, "The $shardedDataDistribution stage can only be run on mongoS")
LOCAL_READ_CONCERN = condition(
    ErrorCode.InvalidOptions,
    "Aggregation stage {name} cannot run with a readConcern other than 'local'. Current readConcern: {level}",
)
MAJORITY_READ_CONCERN = condition(
    ErrorCode.InvalidOptions,
    "Aggregation stage {name} cannot run with a readConcern other than 'majority'. Current readConcern: {level}",
)

# Their specifications
MUST_BE_OBJECT = condition(ErrorCode.TypeMismatch, "{name} options must be specified in an object, but found: {kind}")
EXPECTS_OBJECT = condition(ErrorCode.FailedToParse, "{name} value must be an object. Found: {kind}")
COLL_STATS_NOT_OBJECT = condition(5447000, "$collStats must take a nested object but found: {kind}")
INDEX_STATS_SPEC = condition(28803, "The $indexStats stage specification must be an empty object")
LIST_CATALOG_SPEC = condition(6200600, "The $listCatalog stage specification must be an empty object")
SAMPLED_QUERIES_NOT_OBJECT = condition(6876001, "$listSampledQueries must take a nested object but found: {kind}")
PLAN_CACHE_ALL_HOSTS = condition(4503200, "$planCacheStats stage supports allHosts parameter only for sharded clusters")
PLAN_CACHE_ALL_HOSTS_TYPE = condition(13111, "wrong type for field (allHosts) {kind} != bool")
PLAN_CACHE_UNKNOWN_FIELD = condition(ErrorCode.FailedToParse, "unrecognized option to $planCacheStats: {field}")
NO_PLAN_CACHE = condition(50933, "collection '{namespace}' does not exist")
TARGETS_ALL_NODES = condition(
    ErrorCode.FailedToParse, "The 'targetAllNodes' parameter of the $currentOp stage must be set to false on a mongod"
)
USERS_AND_ALL_USERS = condition(
    ErrorCode.UnsupportedFormat, "{name}: {{allUsers: true}} is incompatible with {{users: [...]}}"
)
NO_STATISTICS_OF_NOTHING = condition(
    ErrorCode.NamespaceNotFound,
    "Unable to retrieve {what} in $collStats stage :: caused by :: Collection [{namespace}] not found.",
)
_SEARCH = (
    "Using {name} requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to "
    "enable. For more information on how to connect, see https://dochub.mongodb.org/core/atlas-cli-deploy-local-reqs"
)
SEARCH_NOT_ENABLED = condition(ErrorCode.SearchNotEnabled, _SEARCH)
SEARCH_INDEXES_NOT_ENABLED = condition(
    ErrorCode.SearchNotEnabled,
    _SEARCH.replace("{name}", "Atlas Search Database Commands and the $listSearchIndexes aggregation stage"),
)

# Change streams
CHANGE_STREAM_NOT_OBJECT = condition(6188500, "the '$changeStream' stage must be an object, but found: {kind}")
CHANGE_STREAM_DATABASE = condition(
    ErrorCode.InvalidNamespace, "$changeStream may not be opened on the internal {database} database"
)
CHANGE_STREAM_SYSTEM = condition(
    ErrorCode.InvalidNamespace, "$changeStream may not be opened on the internal {namespace} collection"
)
CHANGE_STREAM_CLUSTER = condition(
    ErrorCode.InvalidOptions,
    "A $changeStream with 'allChangesForCluster:true' may only be opened on the 'admin' database, and with no "
    "collection name",
)
ENDLESS_STREAM = condition(
    ErrorCode.IllegalOperation, "A $changeStream has no end: it gives a cursor, and cannot be made a table"
)
CHANGE_STREAM_ON_VIEW = condition(ErrorCode.CommandNotSupportedOnView, "$changeStream is not supported on a view")

# Sessions
TOO_MANY_SESSIONS = condition(
    ErrorCode.TooManyLogicalSessions,
    "Unable to add session into the cache because the number of active sessions is too high",
)

# Commands
NO_OPERATION = condition(ErrorCode.NoSuchKey, 'Missing expected field "op"')
NOT_AN_OPERATION = condition(26823, "invalid op : {value}. Op ID cannot be represented with 32 bits")
NO_LOG = condition(ErrorCode.NoSuchKey, "Unknown log type '{name}'")
OTHER_VERSION = condition(
    4926900,
    "Invalid feature compatibility version value '{version}'; expected '{known}'. See "
    "https://docs.mongodb.com/manual/release-notes/8.0-compatibility/#feature-compatibility.",
)
VERSION_NOT_CONFIRMED = condition(
    7369100, "Once you have set the feature compatibility version, downgrading needs support: pass confirm: true"
)
UNKNOWN_WRITE_CONCERN = condition(
    ErrorCode.UnknownReplWriteConcern, "No write concern mode named '{name}' found in replica set configuration"
)
UNKNOWN_PARAMETER = condition(ErrorCode.InvalidOptions, "attempted to set unrecognized parameter [{name}]")
PARAMETER_NOT_SETTABLE = condition(ErrorCode.IllegalOperation, "not allowed to change [{name}] at runtime")
NO_PARAMETER_TO_SET = condition(ErrorCode.InvalidOptions, "no option found to set, use help:true to see options ")

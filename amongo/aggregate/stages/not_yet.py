"""Stages of MongoDB 8 that are refused for now, each with the reason."""

_AGGREGATION = "the aggregation issue brings every remaining stage"
_SEARCH = "there is no search index yet"
_DIAGNOSTICS = "the aggregation issue brings the diagnostic stages"

NOT_YET: dict[str, str] = {
    "$changeStream": "the streams issue brings change streams",
    "$changeStreamSplitLargeEvent": "the streams issue brings change streams",
    "$collStats": _DIAGNOSTICS,
    "$currentOp": _DIAGNOSTICS,
    "$densify": _AGGREGATION,
    "$fill": _AGGREGATION,
    "$indexStats": _DIAGNOSTICS,
    "$listCatalog": _DIAGNOSTICS,
    "$listClusterCatalog": _DIAGNOSTICS,
    "$listLocalSessions": _DIAGNOSTICS,
    "$listSampledQueries": _DIAGNOSTICS,
    "$listSearchIndexes": _SEARCH,
    "$listSessions": _DIAGNOSTICS,
    "$merge": _AGGREGATION,
    "$out": _AGGREGATION,
    "$planCacheStats": _DIAGNOSTICS,
    "$querySettings": _DIAGNOSTICS,
    "$queryStats": _DIAGNOSTICS,
    "$rankFusion": _SEARCH,
    "$score": _SEARCH,
    "$scoreFusion": _SEARCH,
    "$search": _SEARCH,
    "$searchBeta": _SEARCH,
    "$searchMeta": _SEARCH,
    "$setWindowFields": "the aggregation issue brings window functions",
    "$shardedDataDistribution": "a single node has no shards",
    "$vectorSearch": _SEARCH,
}

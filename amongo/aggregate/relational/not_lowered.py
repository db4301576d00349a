"""What has no relational form, and why. A name stands here or has a lowering, never both; a test looks.

The reasons are shown by explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DEVIATION = "it is computed value after value, and the rounding shows in which order"

EXPRESSIONS: Final[Mapping[str, str]] = {
    "$arrayToObject": "the fields of its documents depend on values",
    "$bsonSize": "a document in columns does not know its size as BSON",
    "$createObjectId": "each document gets another one, in turn",
    "$dateFromString": "which texts are dates is told by rules that SQL does not have, and others are an error",
    "$function": "it runs code",
    "$hash": "its hashes are not all among those of DuckDB",
    "$hexHash": "its hashes are not all among those of DuckDB",
    "$median": "from 2000 numbers on it is approximated, and how depends on the order in which they come",
    "$meta": "metadata travels beside the documents",
    "$percentile": "from 2000 numbers on it is approximated, and how depends on the order in which they come",
    "$rand": "each document gets another one, in turn",
    "$regexFind": "which part is found depends on rules of PCRE2 that DuckDB does not have",
    "$regexFindAll": "which part is found depends on rules of PCRE2 that DuckDB does not have",
    "$stdDevPop": _DEVIATION,
    "$stdDevSamp": _DEVIATION,
    "$toArray": "what is in an array read from text depends on values",
    "$toDecimal": "decimals have no column of their own",
    "$toHashedIndexKey": "the hash is one of BSON bytes",
    "$toObject": "the fields of a document read from text depend on values",
    "$toUUID": "binary data has no column of its own",
    "$tsIncrement": "timestamps have no column of their own",
    "$tsSecond": "timestamps have no column of their own",
    "$zip": "it gives arrays in arrays",
}
"""Expression operator -> reason."""

_ON_THE_SPHERE = "distances and shapes on the sphere are the interpreter's and the geo index's"

MATCHES: Final[Mapping[str, str]] = {
    "$geoIntersects": _ON_THE_SPHERE,
    "$geoNear": _ON_THE_SPHERE,
    "$geoWithin": _ON_THE_SPHERE,
    "$jsonSchema": "a schema looks at whole documents, whatever their fields are called",
    "$maxDistance": _ON_THE_SPHERE,
    "$minDistance": _ON_THE_SPHERE,
    "$near": _ON_THE_SPHERE,
    "$nearSphere": _ON_THE_SPHERE,
    "$sampleRate": "each document is matched by chance, one after the other",
    "$text": "it is answered by the text index",
    "$uniqueDocs": _ON_THE_SPHERE,
    "$where": "it is refused when it is parsed: there is no engine for JavaScript",
    "$within": _ON_THE_SPHERE,
}
"""Match operator -> reason."""

_WELFORD = "it is computed value after value, and the rounding shows in which order"

ACCUMULATORS: Final[Mapping[str, str]] = {
    "$accumulator": "it runs code",
    "$concatArrays": "an array among the documents that is none is an error",
    "$median": "from 2000 numbers on it is approximated, and how depends on the order in which they come",
    "$mergeObjects": "the fields of a result depend on the values of all documents",
    "$percentile": "from 2000 numbers on it is approximated, and how depends on the order in which they come",
    "$setUnion": "an array among the documents that is none is an error",
    "$stdDevPop": _WELFORD,
    "$stdDevSamp": _WELFORD,
}
"""Accumulator -> reason."""

WINDOWS: Final[Mapping[str, str]] = {
    "$addToSet": "a window that slides has its set in order, one that grows as the values came",
    "$bottom": "it sorts each window anew",
    "$bottomN": "it sorts each window anew",
    "$concatArrays": "an array among the documents that is none is an error",
    "$covariancePop": _WELFORD,
    "$covarianceSamp": _WELFORD,
    "$derivative": "its errors and types depend on the two ends of each window",
    "$expMovingAvg": "it reckons in decimals, value after value",
    "$firstN": "it lists each window anew",
    "$integral": _WELFORD,
    "$lastN": "it lists each window anew",
    "$linearFill": "documents that sort alike are an error",
    "$maxN": "it sorts each window anew",
    "$median": "it ranks each window by a share of its count, rounded as a double",
    "$minMaxScaler": "its types depend on what is in each window",
    "$minN": "it sorts each window anew",
    "$percentile": "it ranks each window by a share of its count, rounded as a double",
    "$setUnion": "an array among the documents that is none is an error",
    "$stdDevPop": _WELFORD,
    "$stdDevSamp": _WELFORD,
    "$top": "it sorts each window anew",
    "$topN": "it sorts each window anew",
}
"""Window operator -> reason."""

_OF_NODE = "it tells of the node, not of documents"
_TO_INTERPRETER = "it is not offered by the server without a search node; the interpreter says so"

STAGES: Final[Mapping[str, str]] = {
    "$changeStream": "it gives events, not documents of a collection",
    "$changeStreamSplitLargeEvent": "it parts events, not documents of a collection",
    "$collStats": _OF_NODE,
    "$currentOp": _OF_NODE,
    "$densify": "the documents that it makes between others depend on their values one after the other",
    "$documents": "its documents are in the command already",
    "$geoNear": "distances on the sphere are the interpreter's and the geo index's",
    "$graphLookup": "how often it looks depends on what it finds",
    "$indexStats": _OF_NODE,
    "$listCatalog": _OF_NODE,
    "$listClusterCatalog": _OF_NODE,
    "$listLocalSessions": _OF_NODE,
    "$listSampledQueries": _OF_NODE,
    "$listSearchIndexes": _TO_INTERPRETER,
    "$listSessions": _OF_NODE,
    "$merge": "it writes, document by document",
    "$out": "it writes, document by document",
    "$planCacheStats": _OF_NODE,
    "$querySettings": _OF_NODE,
    "$queryStats": _OF_NODE,
    "$rankFusion": "its pipelines give each document a rank that travels beside it",
    "$redact": "it looks at every document inside of documents",
    "$score": "the score travels beside the documents",
    "$scoreFusion": "the scores travel beside the documents",
    "$search": _TO_INTERPRETER,
    "$searchBeta": _TO_INTERPRETER,
    "$searchMeta": _TO_INTERPRETER,
    "$shardedDataDistribution": _OF_NODE,
    "$vectorSearch": _TO_INTERPRETER,
}
"""Stage -> reason."""

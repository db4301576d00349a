"""$collStats: how large a collection is, and how it is used."""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.node import StatisticsAsked
from amongo.aggregate.stages.options import NUMBER, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import command as command_errors
from amongo.errors import diagnosis as errors
from amongo.values.numbers import INT_MAX, to_integer
from amongo.values.types import alias

_PARTS: Final = dict.fromkeys(("latencyStats", "storageStats", "count", "queryExecStats"), "object")
_STORAGE: Final = {"scale": NUMBER, "verbose": "bool", "waitForLock": "bool", "numericOnly": "bool"}


@stage("$collStats")
def parse_coll_stats(spec: Any, surroundings: Surroundings) -> Telling:
    """Statistics of the collection, as the first stage; of a view, its latencies alone.

    spec     {latencyStats: {histograms: bool}, storageStats: {scale: number}, count: {}, queryExecStats: {}}, all
             optional
    result   one document {ns, host, localTime, …} with a field for each part that is asked for
    errors   COLL_STATS_NOT_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, BadValue for a scale below 1; when run
             NO_STATISTICS_OF_NOTHING, IS_A_VIEW
    source   manual, $collStats
    """
    if type(spec) is not dict:
        raise errors.COLL_STATS_NOT_OBJECT(kind=alias(spec))
    parts = parse_options("$collStats", spec, _PARTS)
    latency = parse_options("$collStats.latencyStats", parts.get("latencyStats", {}), {"histograms": "bool"})
    storage = parse_options("$collStats.storageStats", parts.get("storageStats", {}), _STORAGE)
    asked = StatisticsAsked(
        "latencyStats" in parts,
        latency.get("histograms", False),
        _scale(storage.get("scale", 1)) if "storageStats" in parts else None,
        storage.get("numericOnly", False),
        "count" in parts,
        "queryExecStats" in parts,
    )
    return Telling(
        lambda node, environment: [
            node.collection_statistics(environment.database, environment.collection, asked, environment.interrupt),
        ]
    )


def _scale(value: Any) -> int:
    """In bytes, held to an int.

    errors   BadValue below 1
    """
    scale = min(to_integer(value), INT_MAX)
    if scale < 1:
        raise command_errors.out_of_bounds(2, "scale", ">=", 1, scale)
    return scale

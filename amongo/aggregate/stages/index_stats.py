"""$indexStats: the indexes of a collection, and how often they were used."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import diagnosis as errors


@stage("$indexStats")
def parse_index_stats(spec: Any, surroundings: Surroundings) -> Telling:
    """A document for each index of the collection, as the first stage.

    spec     {}
    result   {name, key, host, accesses: {ops, since}, spec}
    errors   INDEX_STATS_SPEC
    source   manual, $indexStats
    """
    if type(spec) is not dict or spec:
        raise errors.INDEX_STATS_SPEC()
    return Telling(lambda node, environment: node.index_statistics(environment.database, environment.collection))

"""Stages that tell of what only an administrator of a larger deployment turns on: settings of queries, their
statistics, samples of them, and shards.

Of statistics, samples and shards there is nothing to tell; what is asked is checked all the same.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.stages.options import parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import NOTHING, Telling
from amongo.errors import command as command_errors
from amongo.errors import diagnosis as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.types import alias

_ALGORITHM: Final = "hmac-sha-256"


@stage("$querySettings")
def parse_query_settings(spec: Any, surroundings: Surroundings) -> Telling:
    """The settings of queries, as the first stage of {aggregate: 1}.

    spec     {showDebugQueryShape: bool}
    result   {queryShapeHash, settings, representativeQuery, debugQueryShape} for each shape that has settings
    errors   EXPECTS_OBJECT, UNKNOWN_FIELD, WRONG_TYPE
    source   manual, $querySettings
    """
    if type(spec) is not dict:
        raise errors.EXPECTS_OBJECT(name="$querySettings", kind=alias(spec))
    options = parse_options("$querySettings", spec, {"showDebugQueryShape": "bool"})
    shows_shape = options.get("showDebugQueryShape", False)
    return Telling(lambda node, environment: node.query_settings(shows_shape=shows_shape))


@stage("$queryStats")
def parse_query_stats(spec: Any, surroundings: Surroundings) -> Telling:
    """Statistics of the queries that were recorded, as the first stage of {aggregate: 1} on `admin`.

    spec     {} or {transformIdentifiers: {algorithm: "hmac-sha-256", hmacKey: binData}}
    result   none: as on a server with the default sampling rate of 0, none is recorded
    errors   EXPECTS_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, NOT_ENUMERATED, ADMIN_AND_NO_COLLECTION
    source   manual, $queryStats
    """
    if type(spec) is not dict:
        raise errors.EXPECTS_OBJECT(name="$queryStats", kind=alias(spec))
    transform = parse_options("$queryStats", spec, {"transformIdentifiers": "object"}).get("transformIdentifiers")
    if transform is not None:
        name = "$queryStats.transformIdentifiers"
        fields = parse_options(name, transform, {"algorithm": "string", "hmacKey": "binData"})
        if "algorithm" not in fields:
            raise command_errors.MISSING_FIELD(command=name, field="algorithm")
        if fields["algorithm"] != _ALGORITHM:
            raise command_errors.NOT_ENUMERATED(value=fields["algorithm"], field=f"{name}.algorithm")
    if surroundings.has_collection or surroundings.database != "admin":
        raise errors.ADMIN_AND_NO_COLLECTION(name="$queryStats")
    return NOTHING


@stage("$listSampledQueries")
def parse_list_sampled_queries(spec: Any, surroundings: Surroundings) -> Telling:
    """The queries that were sampled to judge a shard key, as the first stage of {aggregate: 1} on `admin`.

    spec     {} or {namespace: string}
    result   none: nothing is sharded
    errors   ADMIN_AND_NO_COLLECTION, SAMPLED_QUERIES_NOT_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, INVALID_NAMESPACE
    source   manual, $listSampledQueries
    """
    if surroundings.has_collection or surroundings.database != "admin":
        raise errors.ADMIN_AND_NO_COLLECTION(name="$listSampledQueries")
    if type(spec) is not dict:
        raise errors.SAMPLED_QUERIES_NOT_OBJECT(kind=alias(spec))
    namespace = parse_options("$listSampledQueries", spec, {"namespace": "string"}).get("namespace")
    if namespace is not None and not all(namespace.partition(".")[::2]):
        raise pipeline_errors.INVALID_NAMESPACE(namespace=namespace)
    return NOTHING


@stage("$shardedDataDistribution")
def parse_sharded_data_distribution(spec: Any, surroundings: Surroundings) -> Telling:
    """How the documents of sharded collections are spread: refused, as on every node that is no router.

    spec     {}
    result   none
    errors   DATA_DISTRIBUTION_SPEC, DATA_DISTRIBUTION_ROUTER
    source   manual, $shardedDataDistribution
    """
    if type(spec) is not dict or spec:
        raise errors.DATA_DISTRIBUTION_SPEC()
    raise errors.DATA_DISTRIBUTION_ROUTER()

"""$listCatalog, $listClusterCatalog: which collections and views there are."""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.stages.options import parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import diagnosis as errors
from amongo.values.types import alias

_OPTIONS: Final = {"shards": "bool", "balancingConfiguration": "bool"}


@stage("$listCatalog")
def parse_list_catalog(spec: Any, surroundings: Surroundings) -> Telling:
    """The catalog's entry of the collection, or of every one with {aggregate: 1} on `admin`; as the first stage.

    spec     {}
    result   {db, name, type, ns, md: {ns, options, indexes}, …}
    errors   LIST_CATALOG_SPEC, CATALOG_OF_ADMIN
    source   manual, $listCatalog
    """
    if not surroundings.has_collection and surroundings.database != "admin":
        raise errors.CATALOG_OF_ADMIN()
    if type(spec) is not dict or spec:
        raise errors.LIST_CATALOG_SPEC()
    return Telling(lambda node, environment: node.catalog(environment.database, environment.collection))


@stage("$listClusterCatalog")
def parse_list_cluster_catalog(spec: Any, surroundings: Surroundings) -> Telling:
    """The collections and views of the database, or of all of them on `admin`; as the first stage of {aggregate: 1}.

    spec     {shards: bool, balancingConfiguration: bool}; nothing is sharded, so that there is no balancing to show
    result   {ns, db, type, idIndex, options, info, sharded, shards}
    errors   MUST_BE_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, CLUSTER_CATALOG_OF_DATABASE
    source   manual, $listClusterCatalog
    """
    if type(spec) is not dict:
        raise errors.MUST_BE_OBJECT(name="$listClusterCatalog", kind=alias(spec))
    options = parse_options("$listClusterCatalog", spec, _OPTIONS)
    if surroundings.has_collection:
        raise errors.CLUSTER_CATALOG_OF_DATABASE()
    shows_shards = options.get("shards", False)
    return Telling(lambda node, environment: node.cluster_catalog(environment.database, shows_shards=shows_shards))

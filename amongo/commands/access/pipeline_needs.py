"""What a pipeline needs: `find` on what it begins with, and what its stages need of their own.

Source: manual, aggregate, "Required Access", and the pages of the stages. A view is like a collection: those who may
read it need nothing on what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from amongo.commands.access.actions import ANY_ACTION, actions
from amongo.commands.access.names import UserName
from amongo.commands.access.privileges import (
    ANY_RESOURCE,
    CLUSTER,
    NORMAL,
    Resource,
    collection_resource,
    database_resource,
)
from amongo.commands.access.rules import Asked, Need
from amongo.commands.fields import truth

FIND: Final = actions("find")

_OUT: Final = actions("insert remove")
_UPSERT: Final = actions("insert update")
_INSERT: Final = actions("insert")
_UPDATE: Final = actions("update")
_BYPASS: Final = actions("bypassDocumentValidation")
_STREAM: Final = actions("changeStream find")


class Place:
    """Where a pipeline runs, or a part of it.

    collection   "" for a pipeline that makes its documents
    bypasses     what it writes does not have to pass validators
    """

    __slots__ = ("asked", "bypasses", "collection", "database")

    def __init__(self, asked: Asked, database: str, collection: str, *, bypasses: bool) -> None:
        self.asked = asked
        self.database = database
        self.collection = collection
        self.bypasses = bypasses

    @property
    def resource(self) -> Resource:
        """The collection, or the database."""
        return collection_resource(self.database, self.collection)

    def other(self, value: Any) -> Place:
        """The place of a collection that a stage names: by its name, or as {db, coll}."""
        if type(value) is dict:
            database = value.get("db")
            named = value.get("coll")
            database = database if type(database) is str else self.database
        else:
            database, named = self.database, value
        return Place(self.asked, database, named if type(named) is str else "", bypasses=self.bypasses)


Stages = Iterable[Any]
StageNeeds = Callable[[Any, Place], Iterator[Need]]


def aggregate_needs(asked: Asked) -> Iterator[Need]:
    """What an aggregate needs."""
    document = asked.document
    named = next(iter(document.values()), None)
    bypasses = truth(document.get("bypassDocumentValidation") or False)
    place = Place(asked, asked.database, named if type(named) is str else "", bypasses=bypasses)
    yield from pipeline_needs(document.get("pipeline"), place)


def view_needs(asked: Asked, source: str, pipeline: Any) -> Iterator[Need]:
    """What is needed to read what a view reads."""
    yield from pipeline_needs(pipeline, Place(asked, asked.database, source, bypasses=False))


def pipeline_needs(pipeline: Any, place: Place) -> Iterator[Need]:
    """What a pipeline needs, in its place."""
    stages = [each for each in pipeline if type(each) is dict and each] if type(pipeline) is list else []
    first = next(iter(stages[0])) if stages else ""
    if first not in BEGINNINGS and place.collection:
        yield FIND, place.resource
    yield from _stages_needs(stages, place)


def _stages_needs(stages: Stages, place: Place) -> Iterator[Need]:
    for stage in stages:
        if type(stage) is dict:
            for name, spec in stage.items():
                if name not in NEEDLESS:
                    yield from STAGE_NEEDS.get(name, _everything)(spec, place)


def _parts(pipelines: Iterable[Any], place: Place) -> Iterator[Need]:
    for each in pipelines:
        if type(each) is list:
            yield from _stages_needs(each, place)


# What reads other collections


def _lookup(spec: Any, place: Place) -> Iterator[Need]:
    if type(spec) is dict:
        yield from pipeline_needs(spec.get("pipeline"), place.other(spec.get("from")))


def _graph_lookup(spec: Any, place: Place) -> Iterator[Need]:
    if type(spec) is dict:
        yield FIND, place.other(spec.get("from")).resource


def _union_with(spec: Any, place: Place) -> Iterator[Need]:
    named = spec.get("coll") if type(spec) is dict else spec
    database = spec.get("db") if type(spec) is dict else None
    other = place.other(named if database is None else {"db": database, "coll": named})
    yield from pipeline_needs(spec.get("pipeline") if type(spec) is dict else None, other)


def _facet(spec: Any, place: Place) -> Iterator[Need]:
    yield from _parts(spec.values() if type(spec) is dict else (), place)


def _fusion(spec: Any, place: Place) -> Iterator[Need]:
    pipelines = spec.get("input") if type(spec) is dict else None
    pipelines = pipelines.get("pipelines") if type(pipelines) is dict else None
    yield from _parts(pipelines.values() if type(pipelines) is dict else (), place)


# What writes


def _out(spec: Any, place: Place) -> Iterator[Need]:
    yield from _written(_OUT, place.other(spec))


def _merge(spec: Any, place: Place) -> Iterator[Need]:
    into = spec.get("into") if type(spec) is dict else spec
    matched = spec.get("whenMatched", "merge") if type(spec) is dict else "merge"
    unmatched = spec.get("whenNotMatched", "insert") if type(spec) is dict else "insert"
    if unmatched != "insert":
        wanted = _UPDATE
    else:
        wanted = _INSERT if matched == "fail" else _UPSERT
    yield from _written(wanted, place.other(into))


def _written(wanted: frozenset[str], target: Place) -> Iterator[Need]:
    yield wanted, target.resource
    if target.bypasses:
        yield _BYPASS, target.resource


# What tells of the server


def _on_collection(name: str) -> StageNeeds:
    wanted = actions(name)

    def needs(spec: Any, place: Place) -> Iterator[Need]:
        yield wanted, place.resource

    return needs


def _on_cluster(name: str) -> StageNeeds:
    wanted = actions(name)

    def needs(spec: Any, place: Place) -> Iterator[Need]:
        yield wanted, CLUSTER

    return needs


def _nothing(spec: Any, place: Place) -> Iterator[Need]:
    return iter(())


def _everything(spec: Any, place: Place) -> Iterator[Need]:
    """Of a stage of which nothing is written down here."""
    yield frozenset({ANY_ACTION}), ANY_RESOURCE


def _current_op(spec: Any, place: Place) -> Iterator[Need]:
    if type(spec) is dict and spec.get("allUsers"):
        yield actions("inprog"), CLUSTER


def _list_sessions(spec: Any, place: Place) -> Iterator[Need]:
    if type(spec) is not dict:
        return
    users = spec.get("users") or ()
    own = place.asked.authority.names
    named = {UserName(each.get("user", ""), each.get("db", "")) for each in users if type(each) is dict}
    if spec.get("allUsers") or not named <= own:
        yield actions("listSessions"), CLUSTER


def _change_stream(spec: Any, place: Place) -> Iterator[Need]:
    if type(spec) is dict and spec.get("allChangesForCluster"):
        yield _STREAM, NORMAL
    else:
        yield _STREAM, place.resource


def _list_catalog(spec: Any, place: Place) -> Iterator[Need]:
    yield actions("listCollections listIndexes"), place.resource if place.collection else ANY_RESOURCE


def _list_cluster_catalog(spec: Any, place: Place) -> Iterator[Need]:
    if place.database == "admin":
        yield actions("listClusterCatalog"), CLUSTER
    else:
        yield actions("listCollections"), database_resource(place.database)


BEGINNINGS: Final[dict[str, StageNeeds]] = {
    "$changeStream": _change_stream,
    "$collStats": _on_collection("collStats"),
    "$currentOp": _current_op,
    "$documents": _nothing,
    "$indexStats": _on_collection("indexStats"),
    "$listCatalog": _list_catalog,
    "$listClusterCatalog": _list_cluster_catalog,
    "$listLocalSessions": _list_sessions,
    "$listSearchIndexes": _on_collection("listSearchIndexes"),
    "$listSessions": _list_sessions,
    "$planCacheStats": _on_collection("planCacheRead"),
    "$querySettings": _on_cluster("querySettings"),
    "$queryStats": _on_cluster("queryStatsRead"),
    "$shardedDataDistribution": _on_cluster("shardedDataDistribution"),
}
"""Stages that a pipeline begins with instead of the documents of its collection."""

STAGE_NEEDS: Final[dict[str, StageNeeds]] = {
    **BEGINNINGS,
    "$facet": _facet,
    "$graphLookup": _graph_lookup,
    "$lookup": _lookup,
    "$merge": _merge,
    "$out": _out,
    "$rankFusion": _fusion,
    "$scoreFusion": _fusion,
    "$unionWith": _union_with,
}
"""Those that need something of their own."""

_NEEDLESS: Final = """
    $addFields $bucket $bucketAuto $changeStreamSplitLargeEvent $count $densify $fill $geoNear $group $limit $match
    $project $redact $replaceRoot $replaceWith $sample $score $search $searchBeta $searchMeta $set $setWindowFields
    $skip $sort $sortByCount $unset $unwind $vectorSearch
"""
NEEDLESS: Final = frozenset(_NEEDLESS.split())
"""Those that look at nothing but the documents of the collection. What is in neither list, nobody may run."""

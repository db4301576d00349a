"""Query settings: what an administrator has set for all queries of one shape, be it find, distinct or aggregate.

A query that is rejected fails; one with index hints is planned without the hint that it brings, by the indexes that the
setting allows where one of them serves. As on the server, the settings are a document of `config.clusterParameters`, so
that they outlive the instance. Source: manual, setQuerySettings, Query Settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from amongo.commands.aggregate import AggregateRequest
from amongo.commands.aggregate import parse as parse_aggregate
from amongo.commands.distinct import DistinctRequest
from amongo.commands.distinct import parse as parse_distinct
from amongo.commands.find import FindRequest
from amongo.commands.find import parse as parse_find
from amongo.commands.namespaces import check_database
from amongo.commands.scan_options import NO_SCAN_OPTIONS
from amongo.engine.store import Store
from amongo.engine.writes import Change
from amongo.errors import query_settings as errors
from amongo.planner import canonical_query, is_exact_id
from amongo.planner.query_shape import filter_shape, literal_shape, pipeline_shape, projection_shape, shape_hash
from amongo.runtime.limits import DOCUMENT_BYTES
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]
QueryRequest = FindRequest | DistinctRequest | AggregateRequest
Request = TypeVar("Request", FindRequest, DistinctRequest, AggregateRequest)

_NAMESPACE: Final = "config.clusterParameters"
_ID: Final = "querySettings"
_REQUESTS: Final = (FindRequest, DistinctRequest, AggregateRequest)
_INTERNAL: Final = frozenset({"admin", "config", "local"})


@dataclass(frozen=True, slots=True)
class Setting:
    """The settings of one shape.

    settings         {indexHints, queryFramework, reject, comment}, of which there may be any
    representative   a query of the shape, as it was given; None for a shape that is known by its hash alone
    """

    settings: Document
    representative: Document | None = None

    def document(self, hash: str) -> Document:
        """As setQuerySettings answers it and $querySettings shows it."""
        shown: Document = {"queryShapeHash": hash, "settings": self.settings}
        return shown if self.representative is None else {**shown, "representativeQuery": self.representative}


class QuerySettings:
    """The settings of an instance that has some, by the hashes of the shapes."""

    def __init__(self, by_hash: Mapping[str, Setting]) -> None:
        self.by_hash = by_hash

    def find(self, request: QueryRequest) -> Document | None:
        """The settings for a query; None for none."""
        if isinstance(request, FindRequest) and is_by_id(request):
            return None
        found = self.by_hash.get(shape_hash(query_shape(request)))
        return None if found is None else found.settings

    def ruled(self, request: Request) -> Request:
        """The query as it is to be run: without its own hint, where settings have hints for its collection.

        errors   REJECTED
        """
        settings = self.find(request)
        if settings is not None and settings.get("reject"):
            raise errors.REJECTED()
        return request if settings is None else with_hints(request, settings)

    def documents(self, *, shows_shape: bool) -> Iterator[Document]:
        """As $querySettings shows them.

        shows_shape   with the shapes that are known, and not by their hashes alone
        """
        for hash, setting in self.by_hash.items():
            shown = setting.document(hash)
            if shows_shape and setting.representative is not None:
                shown["debugQueryShape"] = query_shape(parse_query(setting.representative))
            yield shown


def with_hints(request: Request, settings: Document) -> Request:
    """A query with the indexes that its settings allow for its collection, in the place of its own hint."""
    hints = settings.get("indexHints", ())
    own = [each for each in hints if f"{each['ns']['db']}.{each['ns']['coll']}" == request.namespace]
    if not own:
        return request
    allowed = tuple(own[0]["allowedIndexes"])
    if not isinstance(request, FindRequest):
        return replace(request, hint=None, allowed=allowed)
    if request.options.scan is not None:  # bounds are bounds of the index that is named beside them
        return request
    return request._replace(options=replace(request.options, hint=None, allowed=allowed))


def under_settings(instance: Instance, request: Any) -> Any:
    """A request as it is explained: a query that is rejected is explained all the same."""
    if instance.query_settings is None or not isinstance(request, _REQUESTS):
        return request
    settings = instance.query_settings.find(request)
    explained: Any = request
    return request if settings is None else with_hints(explained, settings)


def add_settings(instance: Instance, request: Any, body: Document) -> Document:
    """What explain says, with the shape's hash and its settings.

    request   of the command that is explained
    """
    if not isinstance(request, _REQUESTS):
        return body
    settings = None if instance.query_settings is None else instance.query_settings.find(request)
    stages = body.get("stages")
    cursor = stages[0].get("$cursor") if stages else body
    if settings is not None and cursor is not None:
        cursor["queryPlanner"]["querySettings"] = settings
    return {"queryShapeHash": shape_hash(query_shape(request)), **body}


# Shapes


def parse_query(query: Document) -> QueryRequest:
    """The request of a representative query: {find, distinct or aggregate, …, $db}.

    errors   INVALID_DATABASE_NAME, NOT_A_QUERY; those of the command's parser and of its filter
    """
    name = next(iter(query), "")
    database = check_database(query["$db"])
    if name == "find":
        found = parse_find(database, query)
        canonical_query(found.filter, projection=found.projection, sort=found.sort, variables=found.options.variables)
        return found
    if name == "distinct":
        distinct = parse_distinct(database, query)
        canonical_query(distinct.filter)
        return distinct
    if name == "aggregate":
        return parse_aggregate(database, {**query, "cursor": query.get("cursor") or {}})
    raise errors.NOT_A_QUERY(name=name)


def query_shape(request: QueryRequest) -> Document:
    """The shape of a query that has been parsed, as {showDebugQueryShape: true} shows it."""
    database, _, collection = request.namespace.partition(".")
    shape: Document = {"cmdNs": {"db": database, "coll": collection}}
    if isinstance(request, FindRequest):
        shape |= {"command": "find", "filter": filter_shape(request.filter), **_find_options(request)}
    elif isinstance(request, DistinctRequest):
        shape |= {"command": "distinct", "key": str(request.path), "query": filter_shape(request.filter)}
    else:
        shape |= {"command": "aggregate", "pipeline": pipeline_shape(request.stages)}
        if request.variables:
            shape["let"] = _variables(request.variables)
    collation = request.options.collation if isinstance(request, FindRequest) else request.collation
    return shape if collation is None else {**shape, "collation": collation.document()}


def _find_options(request: FindRequest) -> Document:
    """What a find asks beside its filter, as far as it is part of the shape: hints are not."""
    options, scan = request.options, request.options.scan or NO_SCAN_OPTIONS
    asked = {
        "sort": request.sort,
        "projection": projection_shape(request.projection or {}),
        "skip": request.skip and literal_shape(request.skip),
        "limit": request.limit and literal_shape(request.limit),
        "singleBatch": request.single_batch,
        "min": scan.low and _variables(scan.low),
        "max": scan.high and _variables(scan.high),
        "returnKey": scan.returns_key,
        "showRecordId": scan.shows_record_id,
        "tailable": options.tailable,
        "awaitData": options.awaits_data,
        "let": _variables(options.variables),
    }
    return {name: value for name, value in asked.items() if value}


def _variables(values: Mapping[str, Any]) -> Document:
    return {name: literal_shape(value) for name, value in values.items()}


def is_by_id(request: FindRequest) -> bool:
    """Whether a find gets its one document by `_id`: such queries have no settings."""
    options = request.options
    is_plain = not request.skip and not options.hint and not options.tailable and options.scan is None
    return is_plain and is_exact_id(request.filter, options.collation is not None)


# Setting


def check_representative(request: QueryRequest) -> None:
    """Refuse a query for which nothing may be set.

    errors   INTERNAL_DATABASE, SYSTEM_COLLECTION, BY_ID
    """
    database, _, collection = request.namespace.partition(".")
    if database in _INTERNAL:
        raise errors.INTERNAL_DATABASE()
    if collection.startswith("system."):
        raise errors.SYSTEM_COLLECTION()
    if isinstance(request, FindRequest) and is_by_id(request):
        raise errors.BY_ID()


def merge(before: Document, given: Document) -> Document:
    """Settings with what is given in the place of what there was; what says nothing is left out.

    errors   HINTED_TWICE, ONLY_DEFAULTS
    """
    merged = {**before, **given}
    if not merged.get("reject"):
        merged.pop("reject", None)
    hints = [each for each in merged.pop("indexHints", ()) if each["allowedIndexes"]]
    namespaces = [f"{each['ns']['db']}.{each['ns']['coll']}" for each in hints]
    for place, namespace in enumerate(namespaces):
        if namespace in namespaces[:place]:
            raise errors.HINTED_TWICE(namespace=namespace)
    settings = {"indexHints": hints, **merged} if hints else merged
    if settings.keys() <= {"comment"}:
        raise errors.ONLY_DEFAULTS()
    return settings


# Keeping


def stored_settings(store: Store) -> QuerySettings | None:
    """The settings that a store holds; None for none."""
    collection = store.catalog.get(_NAMESPACE)
    found = None if collection is None else collection.find_id(id_key(_ID))
    if found is None:
        return None
    by_hash = {
        each["queryShapeHash"]: Setting(each["settings"], each.get("representativeQuery"))
        for each in decode(found[1]).get("settingsArray", ())
    }
    return QuerySettings(by_hash) if by_hash else None


def keep_settings(instance: Instance, by_hash: Mapping[str, Setting]) -> None:
    """Put these settings in the place of all that there are. Call it under the store's lock.

    errors   TOO_LARGE
    """
    store = instance.store
    array = [setting.document(hash) for hash, setting in by_hash.items()]
    raw = encode({"_id": _ID, "settingsArray": array, "clusterParameterTime": instance.moment()[1]})
    if len(raw) > DOCUMENT_BYTES:
        raise errors.TOO_LARGE(size=len(raw), limit=DOCUMENT_BYTES)
    collection = store.create(_NAMESPACE)
    found = collection.find_id(id_key(_ID))
    if found is None:
        store.insert_one(collection, id_key(_ID), raw)
    else:
        store.update(collection, [Change(*found, raw, None)])
    instance.query_settings = QuerySettings(by_hash) if by_hash else None


def settings_by_hash(instance: Instance) -> dict[str, Setting]:
    """The settings of an instance, to be changed and kept."""
    return {} if instance.query_settings is None else dict(instance.query_settings.by_hash)

"""Views: their definitions, and how a namespace is resolved to the collection below and the stages over it.

As on the server, a database keeps its views as documents `{_id: namespace, viewOn, pipeline, collation}` in its
collection `system.views`. There is no other record of them: creating, changing and dropping a view writes one document,
and whoever finds no collection of a name looks here. A view never has the name of a collection, so that operations on
collections do not come by. A time series collection is a view too: over a collection `system.buckets.<name>`, in which
its measurements are stored; see `time_series`. Source: manual, Views.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

from amongo.commands.namespaces import OPLOG
from amongo.engine.catalog import Catalog
from amongo.engine.records import Collection
from amongo.engine.store import Change, Store
from amongo.errors import command as command_errors
from amongo.errors import pipeline as pipeline_errors
from amongo.errors import view as errors
from amongo.runtime.limits import VIEW_DEPTH, VIEW_PIPELINE_BYTES
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key
from amongo.values.order import equal
from amongo.values.types import alias
from amongo.values.wording import shown

SYSTEM_VIEWS: Final = "system.views"
BUCKETS: Final = "system.buckets."

# Stages that make no sense in a definition: they write, or they never end.
_NOT_IN_VIEWS: Final = ("$out", "$merge", "$changeStream")


@dataclass(frozen=True, slots=True)
class View:
    """The definition of a view.

    namespace   "database.view"
    source      name of the collection or view below, in the same database
    pipeline    the stages over it
    collation   a normalized collation; None for the simple one
    """

    namespace: str
    source: str
    pipeline: list[dict[str, Any]]
    collation: dict[str, Any] | None = None

    @property
    def database(self) -> str:
        """The database it is in."""
        return self.namespace.partition(".")[0]

    @property
    def is_time_series(self) -> bool:
        """Whether it is how a time series collection shows its measurements."""
        return self.source.startswith(BUCKETS)

    def options(self) -> dict[str, Any]:
        """Its options, as listCollections shows them."""
        options: dict[str, Any] = {"viewOn": self.source, "pipeline": self.pipeline}
        return options if self.collation is None else options | {"collation": self.collation}

    def document(self) -> dict[str, Any]:
        """The document of `system.views`."""
        return {"_id": self.namespace, **self.options()}


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a view comes down to.

    view        the one that was asked for
    namespace   the collection at the bottom: it need not exist. For measurements, the time series collection
    pipeline    the stages of all views on the way, the lowest first
    series      the time series at the bottom; None for a plain collection
    """

    view: View
    namespace: str
    pipeline: list[dict[str, Any]]
    series: View | None


# Looking up


def find_view(catalog: Catalog, namespace: str) -> View | None:
    """The view of this namespace; None if there is none.

    errors   NO_BUCKETS for the collection in which the server keeps a time series; INVALID_DEFINITION
    """
    database, _, name = namespace.partition(".")
    views = catalog.by_namespace.get(f"{database}.{SYSTEM_VIEWS}")
    if views is None:
        return None
    raw = views.get_by_key(id_key(namespace))
    if raw is not None:
        return _parse_view(raw)
    if name.startswith(BUCKETS) and views.has_key(id_key(f"{database}.{name.removeprefix(BUCKETS)}")):
        raise errors.NO_BUCKETS(namespace=namespace)
    return None


def list_views(catalog: Catalog, database: str) -> list[View]:
    """The views of a database, in the order of their creation. Call it under the store's lock."""
    views = catalog.by_namespace.get(f"{database}.{SYSTEM_VIEWS}")
    return [] if views is None else [_parse_view(raw) for raw in views.view().documents()]


def is_view(catalog: Catalog, namespace: str) -> bool:
    """Whether the namespace is that of a view or a time series collection. Call it where no collection has the name.

    errors   NO_BUCKETS
    """
    return find_view(catalog, namespace) is not None


def may_be_view(catalog: Catalog, namespace: str) -> bool:
    """Whether it is worth to look for a view: no collection has the name, and there are views in the database."""
    by_namespace = catalog.by_namespace
    return namespace not in by_namespace and f"{namespace.partition('.')[0]}.{SYSTEM_VIEWS}" in by_namespace


def most_in_view(catalog: Catalog, namespace: str) -> int:
    """How many documents a read of this view looks at, at most: those of the database; 0 if it can be no view. The
    oplog may have any number."""
    if namespace == OPLOG:
        return sys.maxsize
    if not may_be_view(catalog, namespace):
        return 0
    return sum(collection.count for collection in catalog.collections(namespace.partition(".")[0]))


def refuse_view(catalog: Catalog, namespace: str) -> None:
    """Refuse a command that works on collections alone. Call it where no collection has the name.

    errors   IS_A_VIEW, NO_BUCKETS
    """
    if is_view(catalog, namespace):
        raise errors.IS_A_VIEW(namespace=namespace)


def resolve(catalog: Catalog, namespace: str) -> Resolved | None:
    """What the view of this namespace comes down to; None if it is no view.

    errors   VIEWS_TOO_DEEP, NO_BUCKETS
    """
    top = view = find_view(catalog, namespace)
    if view is None or top is None:
        return None
    pipeline: list[dict[str, Any]] = []
    for _ in range(VIEW_DEPTH + 1):
        if view.is_time_series:
            return Resolved(top, view.namespace, pipeline, view)
        pipeline = view.pipeline + pipeline
        below = f"{view.database}.{view.source}"
        view = find_view(catalog, below)
        if view is None:
            return Resolved(top, below, pipeline, None)
    raise errors.VIEWS_TOO_DEEP(limit=VIEW_DEPTH, namespace=namespace)


def _parse_view(raw: bytes) -> View:
    """The view of a document of `system.views`, into which a client may write what it likes.

    errors   INVALID_DEFINITION
    """
    fields = decode(raw)
    namespace, source, pipeline = fields.get("_id"), fields.get("viewOn"), fields.get("pipeline")
    collation = fields.get("collation")
    if (
        type(namespace) is not str
        or type(source) is not str
        or type(pipeline) is not list
        or not all(type(stage) is dict for stage in pipeline)
        or type(collation) not in (dict, NoneType)
        or not fields.keys() <= {"_id", "viewOn", "pipeline", "collation"}
    ):
        raise errors.INVALID_DEFINITION(definition=shown(fields))
    return View(namespace, source, pipeline, collation)


# Changing


def add_view(store: Store, view: View) -> None:
    """Enter a new view. Call it under the store's lock.

    errors   those of `check_definition`
    """
    check_definition(store.catalog, view)
    views = store.create(f"{view.database}.{SYSTEM_VIEWS}")
    store.insert_one(views, id_key(view.namespace), encode(view.document()))


def change_view(store: Store, view: View) -> None:
    """Give the view of this namespace another definition. Call it under the store's lock.

    errors   those of `check_definition`
    """
    check_definition(store.catalog, view)
    views, record_id, raw = _stored(store.catalog, view.namespace)
    store.update(views, [Change(record_id, raw, encode(view.document()), None)])


def remove_view(store: Store, namespace: str) -> None:
    """Drop the view of this namespace. Call it under the store's lock."""
    views, record_id, raw = _stored(store.catalog, namespace)
    store.delete(views, [(record_id, raw)])


def _stored(catalog: Catalog, namespace: str) -> tuple[Collection, int, bytes]:
    views = catalog.by_namespace[f"{namespace.partition('.')[0]}.{SYSTEM_VIEWS}"]
    found = views.find_id(id_key(namespace))
    assert found is not None
    return views, *found


# What a definition must be


def parse_stages(command: str, value: list[Any]) -> list[dict[str, Any]]:
    """The stages of a `pipeline` option; nulls among them are left out, as the server leaves them out.

    errors   WRONG_TYPE
    """
    for position, stage in enumerate(value):
        if stage is not None and type(stage) is not dict:
            raise command_errors.WRONG_TYPE(
                command=command, field=f"pipeline.{position}", actual=alias(stage), expected="type 'object'"
            )
    return [stage for stage in value if stage is not None]


def check_stages(pipeline: list[dict[str, Any]]) -> None:
    """Refuse stages that no view may have; sub-pipelines are checked where they are parsed.

    errors   STAGE_NOT_IN_VIEW, SESSIONS_NAMESPACE
    """
    for stage in pipeline:
        for name in _NOT_IN_VIEWS:
            if name in stage:
                raise errors.STAGE_NOT_IN_VIEW(name=name)
        if "$listSessions" in stage:
            raise pipeline_errors.SESSIONS_NAMESPACE(name="$listSessions")


def check_definition(catalog: Catalog, view: View) -> None:
    """Refuse a view that would stand in a circle of views, too high or too wide, or on one of another collation.

    errors   VIEW_CYCLE, VIEW_COLLATION_CONFLICT, VIEWS_TOO_DEEP, VIEW_PIPELINES_TOO_LARGE
    """
    views = {each.namespace: each for each in list_views(catalog, view.database)}
    views[view.namespace] = view
    _Graph(views).check(view)


class _Graph:
    """The views of a database and what they read."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = views
        self._below = {namespace: list(_read_by(view)) for namespace, view in views.items()}
        self._above: dict[str, list[str]] = {}
        for namespace, below in self._below.items():
            for each in below:
                self._above.setdefault(each, []).append(namespace)

    def check(self, view: View) -> None:
        self._check_cycle(view.namespace)
        for each in self._below[view.namespace]:
            self._check_collations(view, each)
        for each in self._above.get(view.namespace, ()):
            self._check_collations(self._views[each], view.namespace)
        below, below_bytes = self._extent(view.namespace, self._below, {})
        above, above_bytes = self._extent(view.namespace, self._above, {})
        if below + above - 1 > VIEW_DEPTH:
            raise errors.VIEWS_TOO_DEEP(limit=VIEW_DEPTH, namespace=view.namespace)
        if below_bytes + above_bytes - _pipeline_bytes(view) > VIEW_PIPELINE_BYTES:
            raise errors.VIEW_PIPELINES_TOO_LARGE(limit=VIEW_PIPELINE_BYTES, namespace=view.namespace)

    def _check_cycle(self, start: str) -> None:
        """Every way down from `start` must end elsewhere."""
        paths = [[start]]
        seen = set()
        while paths:
            path = paths.pop()
            for each in self._below.get(path[-1], ()):
                if each == start:
                    raise errors.VIEW_CYCLE(path=" => ".join([*path, each]))
                if each in self._views and each not in seen:
                    seen.add(each)
                    paths.append([*path, each])

    def _check_collations(self, view: View, below: str) -> None:
        other = self._views.get(below)
        if other is not None and not same_collation(view.collation, other.collation):
            raise errors.VIEW_COLLATION_CONFLICT(namespace=view.namespace, other=below)

    def _extent(
        self, namespace: str, edges: Mapping[str, list[str]], known: dict[str, tuple[int, int]]
    ) -> tuple[int, int]:
        """(views on the longest way from here, most bytes of pipelines on a way), this view included."""
        if namespace not in known:
            further = [self._extent(each, edges, known) for each in edges.get(namespace, ()) if each in self._views]
            depth = max((depth for depth, _ in further), default=0)
            size = max((size for _, size in further), default=0)
            known[namespace] = depth + 1, size + _pipeline_bytes(self._views[namespace])
        return known[namespace]


def same_collation(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Whether two normalized collations are the same."""
    return one is other or (one is not None and other is not None and equal(one, other))


def _pipeline_bytes(view: View) -> int:
    return len(encode({"": view.pipeline}))


def _read_by(view: View) -> Iterator[str]:
    """The namespaces that a view reads: the one below, and those of its stages."""
    yield f"{view.database}.{view.source}"
    for name in foreign_collections(view.pipeline):
        yield f"{view.database}.{name}"


def foreign_collections(pipeline: Any) -> Iterator[str]:
    """The names of the other collections that stages read, those of sub-pipelines included.

    pipeline   parsed before: only well-formed stages are looked at
    """
    for stage in pipeline if type(pipeline) is list else ():
        if type(stage) is not dict:
            continue
        for name, spec in stage.items():
            if name == "$unionWith" and type(spec) is str:
                yield spec
            elif type(spec) is dict and name in ("$lookup", "$graphLookup", "$unionWith"):
                collection = spec.get("coll" if name == "$unionWith" else "from")
                if type(collection) is str:
                    yield collection
                yield from foreign_collections(spec.get("pipeline"))
            elif type(spec) is dict and name == "$facet":
                for each in spec.values():
                    yield from foreign_collections(each)

"""Planning as commands do it: with the index filters of the collection, which say what the planner may look at.

Source: manual, planCacheSetFilter, Index Filters.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.index_filters import filter_for
from amongo.commands.namespaces import INTERNAL_DATABASES, is_system
from amongo.commands.variables import runtime_variables
from amongo.errors import ServerError
from amongo.errors import administration as errors
from amongo.mql.matcher.geospatial import PLACE_OPERATORS
from amongo.planner import CanonicalQuery, Plan, canonical_query, plan_query
from amongo.planner.index_facts import planning_of
from amongo.planner.plain_ranges import PlainRange
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.values.collation import Collation

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection


def plan(
    instance: Instance,
    query: CanonicalQuery,
    collection: Collection,
    allowed: Sequence[Any] | None = None,
    *,
    weighs_all: bool = False,
) -> Plan:
    """The plan of a query on a collection.

    allowed   the indexes that settings of its shape allow, by name or key pattern; None where there are none
    weighs_all   for explain; see `plan_query`
    errors    those of `plan_query`, NO_SCANS where a parameter forbids them
    """
    if allowed is not None:
        found = plan_query(query, collection, instance.store, allowed, weighs_all=weighs_all)
        if found.stage != "COLLSCAN" or any(type(each) is dict and "$natural" in each for each in allowed):
            return found
        allowed = None  # none of them serves
    if instance.index_filters:
        allowed = filtered_indexes(instance, query, collection)
    found = plan_query(query, collection, instance.store, allowed, weighs_all=weighs_all)
    if instance.refuses_scans:
        _refuse_scan(found)
    return found


def _refuse_scan(plan: Plan) -> None:
    """Refuse a plan that looks at all documents for some of them, but in the databases and collections of the server.

    errors   NO_SCANS
    """
    database, _, name = plan.collection.namespace.partition(".")
    is_asked = plan.stage == "COLLSCAN" and plan.query.expression is not None
    if is_asked and database not in INTERNAL_DATABASES and not is_system(name):
        raise errors.NO_SCANS(namespace=plan.collection.namespace)


def planned_ahead(instance: Instance, request: object) -> Plan | PlainRange | None:
    """The plan that was made when it was asked how much the request looks at; None if it was not, or others came
    between."""
    ahead = instance.ahead
    if ahead is None or ahead[0] is not request:
        return None
    instance.ahead = None
    return ahead[1]


def may_use_index(collection: Collection, filter: Mapping[str, Any], sort: Mapping[str, Any] | None) -> bool:
    """Whether an index could serve: a first look, that costs next to nothing."""
    planning = planning_of(collection)
    if planning is None:
        return False
    if planning.has_special or any(name.startswith("$") for name in filter):
        return True
    firsts = planning.first_names
    return any(name.partition(".")[0] in firsts for name in (*filter, *(sort or ())))


def asks_places(collection: Collection, filter: Any) -> bool:
    """Whether a filter may be planned by an index of places: to cover a region is no work for an event loop."""
    planning = planning_of(collection)
    return planning is not None and planning.has_places and _names_places(filter)


def _names_places(value: Any) -> bool:
    if type(value) is list:
        return any(map(_names_places, value))
    if type(value) is not dict:
        return False
    return any(name in PLACE_OPERATORS or _names_places(inner) for name, inner in value.items())


def estimated(
    instance: Instance,
    collection: Collection,
    filter: Mapping[str, Any],
    *,
    sort: dict[str, Any] | None = None,
    hint: Any = None,
    variables: Mapping[str, Any] | None = None,
    collation: Mapping[str, Any] | Collation | None = None,
    limit: int = 0,
) -> int:
    """About how many documents are looked at to find those of a filter.

    collation   of the operation: parsed, or as it was written
    limit       documents at most; 0 for all
    """
    if type(hint) is dict and hint.get("$columnar") is True:
        return sys.maxsize  # never on the event loop, however few documents there are
    if asks_places(collection, filter):
        return sys.maxsize
    if collection.count <= LOOP_DOCUMENTS or not (hint or may_use_index(collection, filter, sort)):
        return collection.count
    try:
        parsed = asked_collation(collation) if isinstance(collation, Mapping) else collation
        query = canonical_query(
            filter,
            sort=sort,
            limit=limit,
            variables=runtime_variables(instance) | dict(variables or {}),
            hint=hint,
            collator=collator_for(parsed, collection),
            id_collator=collection.collator,
        )
        found = plan(instance, query, collection)
    except ServerError:  # it fails when it is run, and at once
        return 1
    return found.looks_at(instance.store, limit or collection.count)


def allowed_indexes(
    instance: Instance, query: CanonicalQuery, collection: Collection, allowed: Sequence[Any] | None
) -> Sequence[Any] | None:
    """The indexes that settings or an index filter of the shape allow; None for any.

    allowed   those of the settings
    """
    if allowed is not None or not instance.index_filters:
        return allowed
    return filtered_indexes(instance, query, collection)


def filtered_indexes(instance: Instance, query: CanonicalQuery, collection: Collection) -> Sequence[Any] | None:
    """The indexes that an index filter lets the planner consider; None where no filter is set for the shape."""
    filters = instance.index_filters.get(collection.uuid)
    if filters is None:
        return None
    found = filter_for(filters, query, collection)
    return None if found is None else found.indexes

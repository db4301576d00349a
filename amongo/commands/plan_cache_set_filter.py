"""planCacheSetFilter: set the indexes for queries of one shape. Source: manual, planCacheSetFilter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.index_filters import IndexFilter, IndexFilters, parse_shape
from amongo.commands.plan_cache_clear import PlanCacheRequest, parse
from amongo.commands.views import refuse_view
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def run(instance: Instance, request: PlanCacheRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}; what the shape had is replaced.

    errors   IS_A_VIEW, BAD_VALUE, those of `parse_shape`
    """
    refuse_view(instance.store.catalog, request.namespace)
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        raise errors.BAD_VALUE(message="no such collection")
    indexes = _indexes(request.document.get("indexes"))
    shape = parse_shape(request.document)
    filters = instance.index_filters.setdefault(collection.uuid, IndexFilters())
    filters.by_shape[shape.key] = IndexFilter(
        shape.key, shape.query, shape.sort, shape.projection, shape.collation, indexes
    )
    return {"ok": 1.0}


def _indexes(indexes: Any) -> list[Any]:
    """The `indexes` of the command: names and key patterns, at least one.

    errors   BAD_VALUE
    """
    if indexes is None:
        raise errors.BAD_VALUE(message="required field indexes missing")
    if type(indexes) is not list:
        raise errors.BAD_VALUE(message="required field indexes must be an array")
    if not indexes:
        raise errors.BAD_VALUE(message="required field indexes must contain at least one index")
    for each in indexes:
        if type(each) not in (dict, str):
            raise errors.BAD_VALUE(message="each item in indexes must be an object or string")
        if not each:
            raise errors.BAD_VALUE(message="index specification cannot be empty")
    return indexes


COMMAND = Command("planCacheSetFilter", parse, run, is_quick=True)

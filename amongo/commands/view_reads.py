"""find, count and distinct on a view: translated to an aggregate, as on the server.

The translation decides what a view can be asked for: what an aggregate does not know (a tailable cursor, `returnKey`,
the projections that only find has) is refused in the aggregate's words. Source: manual, Views, "Supported Operations".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from amongo.aggregate import parse_pipeline
from amongo.commands import aggregate
from amongo.commands.aggregate import AggregateRequest
from amongo.commands.context import Context
from amongo.commands.replies import CursorReply
from amongo.commands.time_series import find_series
from amongo.commands.views import find_view
from amongo.errors import view as errors
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode
from amongo.values.collation import Collation

if TYPE_CHECKING:
    from amongo.commands.count import CountRequest
    from amongo.commands.distinct import DistinctRequest
    from amongo.commands.find import FindRequest
    from amongo.commands.instance import Instance


def find_in_view(instance: Instance, request: FindRequest, context: Context) -> CursorReply:
    """The first batch of a find on a view.

    errors   those of `find_in_view_request` and of an aggregate
    """
    reply = aggregate.run(instance, find_in_view_request(request), context)
    assert isinstance(reply, CursorReply)  # it is not explained
    return reply


def find_in_view_request(request: FindRequest) -> AggregateRequest:
    """The aggregate that a find on a view is.

    errors   NOT_IN_AGGREGATION, NOT_TAILABLE, those of the stages
    """
    options = request.options
    if options.tailable:
        raise errors.NOT_TAILABLE()
    if options.no_cursor_timeout:
        raise errors.NOT_IN_AGGREGATION(name="noCursorTimeout")
    if request.single_batch and request.limit != 1:
        raise errors.NOT_IN_AGGREGATION(name="singleBatch")
    asked = None if options.scan is None else options.scan.asked()
    if asked is not None:
        raise errors.NOT_IN_AGGREGATION(name=asked)
    stages: list[dict[str, Any]] = []
    hint = options.hint
    if request.filter:
        stages.append({"$match": request.filter})
    if request.sort and "$natural" in request.sort:  # the order in which the collection below is read
        hint = request.sort
    elif request.sort:
        stages.append({"$sort": request.sort})
    if request.skip:
        stages.append({"$skip": request.skip})
    if request.limit:
        stages.append({"$limit": request.limit})
    if request.projection:
        stages.append({"$project": request.projection})
    return _request(
        request.namespace,
        stages,
        variables=options.variables,
        hint=hint,
        batch_size=request.batch_size,
        time_limit_ms=options.max_time_ms,
        collation=options.collation,
    )


def count_view(instance: Instance, request: CountRequest, interrupt: Interrupt) -> int:
    """How many documents of a view a count finds.

    errors   those of an aggregate
    """
    view = find_view(instance.store.catalog, request.namespace)
    if view is not None and view.is_time_series and not (request.filter or request.skip or request.limit):
        return find_series(instance.store.catalog, request.namespace).count
    for raw in aggregate.result_documents(instance, count_in_view(request), interrupt):
        return int(decode(raw)["count"])
    return 0


def count_in_view(request: CountRequest) -> AggregateRequest:
    """The aggregate that a count on a view is.

    errors   those of the stages
    """
    stages: list[dict[str, Any]] = [{"$match": request.filter}] if request.filter else []
    if request.skip:
        stages.append({"$skip": request.skip})
    if request.limit:
        stages.append({"$limit": request.limit})
    stages.append({"$count": "count"})
    return _request(request.namespace, stages, hint=request.hint, collation=request.collation)


def documents_of_view(instance: Instance, request: DistinctRequest, interrupt: Interrupt) -> Iterator[dict[str, Any]]:
    """The documents of a view in which a distinct looks for values.

    errors   those of an aggregate
    """
    return map(decode, aggregate.result_documents(instance, distinct_in_view(request), interrupt))


def distinct_in_view(request: DistinctRequest) -> AggregateRequest:
    """The aggregate in whose documents a distinct on a view looks for values.

    errors   those of the stages
    """
    stages: list[dict[str, Any]] = [{"$match": request.filter}] if request.filter else []
    return _request(request.namespace, stages, hint=request.hint, collation=request.collation)


def _request(
    namespace: str,
    stages: list[dict[str, Any]],
    *,
    variables: dict[str, Any] | None = None,
    hint: Any = None,
    batch_size: int | None = None,
    time_limit_ms: int | None = None,
    collation: Collation | None = None,
) -> AggregateRequest:
    variables = variables or {}
    pipeline = parse_pipeline(stages, variables=variables)
    return AggregateRequest(
        namespace, pipeline, variables, hint, batch_size, sys.maxsize, time_limit_ms, stages, collation
    )

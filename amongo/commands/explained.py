"""What explain says, whatever the command: the plan, and what an execution has counted, in the server's envelope.

Source: manual, Explain Results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.build_info import SERVER_VERSION, own_version
from amongo.commands.hello import HOST
from amongo.commands.index_filters import shape_key
from amongo.commands.shape_hashes import plan_cache_key, plan_shape_hash
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.normal_form import normal_form
from amongo.planner.explain_stage import Stage
from amongo.planner.query import finds_nothing
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.collation import Collation
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]

QUERY_PLANNER: Final = "queryPlanner"
EXECUTION_STATS: Final = "executionStats"
ALL_PLANS_EXECUTION: Final = "allPlansExecution"
VERBOSITIES: Final = (QUERY_PLANNER, EXECUTION_STATS, ALL_PLANS_EXECUTION)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked, for the plan's heading.

    filter, sort, projection   as the command gave them
    expression                 the filter's tree; None where none was made
    """

    namespace: str
    filter: Mapping[str, Any]
    expression: MatchExpression | None = None
    sort: Document | None = None
    projection: Document | None = None
    collation: Collation | None = None


def query_planner(instance: Instance, query: Query, tree: Stage, rejected: Sequence[Stage] = ()) -> Document:
    """`queryPlanner`: the heading, the winning plan, and those that were weighed against it."""
    collection = instance.store.catalog.get(query.namespace)
    filters = None if collection is None else instance.index_filters.get(collection.uuid)
    collation = None if query.collation is None else query.collation.document()
    shape = shape_key(query.expression, query.sort or {}, query.projection or {}, collation)
    outline = plan_shape_hash(shape)
    is_nothing = query.expression is not None and finds_nothing(query.expression)
    return {
        "namespace": query.namespace,
        "parsedQuery": {"$alwaysFalse": 1} if is_nothing else normal_form(query.filter),
        "indexFilterSet": filters is not None and shape in filters.by_shape,
        **({} if collation is None else {"collation": collation}),
        "queryHash": outline,
        "planCacheShapeHash": outline,
        "planCacheKey": plan_cache_key(shape, collection),
        "optimizationTimeMillis": 0,
        "maxIndexedOrSolutionsReached": False,
        "maxIndexedAndSolutionsReached": False,
        "maxScansToExplodeReached": False,
        "prunedSimilarIndexes": False,
        "winningPlan": {"isCached": False, **tree.planned()},
        "rejectedPlans": [{"isCached": False, **each.planned()} for each in rejected],
    }


def execution_stats(tree: Stage, taken_ms: int, verbosity: str) -> Document:
    """`executionStats` of a tree whose stages have counted."""
    stats = {
        "executionSuccess": True,
        "nReturned": number(tree.returned or 0),
        "executionTimeMillis": taken_ms,
        "totalKeysExamined": number(tree.total("keysExamined")),
        "totalDocsExamined": number(tree.total("docsExamined")),
        "executionStages": {"isCached": False, **tree.executed()},
    }
    return {**stats, "allPlansExecution": []} if verbosity == ALL_PLANS_EXECUTION else stats


def reply(body: Document, database: str, command: Mapping[str, Any]) -> Document:
    """The whole answer.

    body      `queryPlanner` and `executionStats`, or `stages`
    command   the command that is explained
    """
    host, _, port = HOST.partition(":")
    return {
        "explainVersion": "1",
        **body,
        "command": {**command, "$db": database},
        "serverInfo": {
            "host": host,
            "port": int(port or 0),
            "version": SERVER_VERSION,
            "gitVersion": f"amongo {own_version()}",
        },
        "serverParameters": dict(PLANNER_PARAMETERS),
        "ok": 1.0,
    }


PLANNER_PARAMETERS: Final = {
    "internalQueryFacetBufferSizeBytes": BLOCKING_STAGE_BYTES,
    "internalQueryFacetMaxOutputDocSizeBytes": BLOCKING_STAGE_BYTES,
    "internalLookupStageIntermediateDocumentMaxSizeBytes": BLOCKING_STAGE_BYTES,
    "internalDocumentSourceGroupMaxMemoryBytes": BLOCKING_STAGE_BYTES,
    "internalQueryMaxBlockingSortMemoryUsageBytes": BLOCKING_STAGE_BYTES,
    "internalQueryProhibitBlockingMergeOnMongoS": 0,
    "internalQueryMaxAddToSetBytes": BLOCKING_STAGE_BYTES,
    "internalDocumentSourceSetWindowFieldsMaxMemoryBytes": BLOCKING_STAGE_BYTES,
    "internalQueryFrameworkControl": "forceClassicEngine",
}

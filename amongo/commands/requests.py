"""What each kind of request is: the function that runs it, and the one that says how much it looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from amongo.commands import (
    abort_transaction,
    aggregate,
    commit_transaction,
    count,
    delete,
    distinct,
    find,
    find_and_modify,
    get_more,
    insert,
    live,
    tables,
    time_travel,
    update,
)
from amongo.commands.context import Context
from amongo.commands.tables import AggregateTableRequest, FindTableRequest, SqlRequest
from amongo.commands.tailing import Awaiting

RUNS: Final[dict[type, Callable[[Any, Any, Context], Any]]] = {
    find.FindRequest: find.run,
    get_more.GetMoreRequest: get_more.run,
    insert.InsertRequest: insert.run,
    update.UpdateRequest: update.run,
    delete.DeleteRequest: delete.run,
    aggregate.AggregateRequest: aggregate.run,
    count.CountRequest: count.run,
    distinct.DistinctRequest: distinct.run,
    find_and_modify.FindAndModifyRequest: find_and_modify.run,
    Awaiting: get_more.look_again,
    FindTableRequest: tables.run_find,
    AggregateTableRequest: tables.run_aggregate,
    SqlRequest: tables.run_sql,
    live.LiveRequest: live.run,
    live.LiveQuery: live.look,
    time_travel.FindAsOfRequest: time_travel.run_find,
    time_travel.HistoryRequest: time_travel.run_history,
    commit_transaction.CommitRequest: commit_transaction.run,
    abort_transaction.AbortRequest: abort_transaction.run,
}
"""The request's class -> (instance, request, context) -> reply."""

EXAMINES: Final[dict[type, Callable[[Any, Any], int]]] = {
    find.FindRequest: find.examines,
    get_more.GetMoreRequest: get_more.examines,
    insert.InsertRequest: insert.examines,
    update.UpdateRequest: update.examines,
    delete.DeleteRequest: delete.examines,
    aggregate.AggregateRequest: aggregate.examines,
    count.CountRequest: count.examines,
    distinct.DistinctRequest: distinct.examines,
    find_and_modify.FindAndModifyRequest: find_and_modify.examines,
    Awaiting: get_more.examines_again,
    FindTableRequest: tables.examines,
    AggregateTableRequest: tables.examines,
    SqlRequest: tables.examines,
    live.LiveRequest: live.examines,
    live.LiveQuery: live.weight,
    time_travel.FindAsOfRequest: time_travel.examines,
    time_travel.HistoryRequest: time_travel.examines,
    commit_transaction.CommitRequest: commit_transaction.examines,
    abort_transaction.AbortRequest: commit_transaction.examines,
}
"""The request's class -> (instance, request) -> about how many documents it looks at."""

UNLISTED: Final = frozenset(
    {
        find.FindRequest,
        get_more.GetMoreRequest,
        insert.InsertRequest,
        update.UpdateRequest,
        delete.DeleteRequest,
        find_and_modify.FindAndModifyRequest,
    }
)
"""What the event loop does itself, and nobody looks for in the list of operations."""

"""`$where`: a filter written in JavaScript, read and then refused as by a server with scripting off."""

from __future__ import annotations

from typing import NoReturn

from bson.code import Code

from amongo.errors import query as query_errors
from amongo.errors import scripting as errors
from amongo.mql.matcher.registry import Clause, top_level_operator


@top_level_operator("$where")
def where(clause: Clause) -> NoReturn:
    """JavaScript says whether the document matches. There is no engine for it: a filter with it is always refused.

    operand   a string or code, without a scope and not empty
    result    none
    errors    ELEM_MATCH_WHERE below $elemMatch, WHERE_NOT_ALLOWED_HERE where a filter is not a query of its own,
              WHERE_WITH_SCOPE, WHERE_TYPE, WHERE_EMPTY; then WHERE_WITHOUT_ENGINE
    source    manual, $where
    """
    if not clause.scope.is_top_level:
        raise query_errors.ELEM_MATCH_WHERE()
    if not clause.scope.allows_near:
        raise errors.WHERE_NOT_ALLOWED_HERE()
    code = clause.operand
    if type(code) is Code and code.scope is not None:
        raise errors.WHERE_WITH_SCOPE()
    if type(code) not in (str, Code):
        raise errors.WHERE_TYPE()
    if not code:
        raise errors.WHERE_EMPTY()
    raise errors.WHERE_WITHOUT_ENGINE()

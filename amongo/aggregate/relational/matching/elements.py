"""Whether a condition holds for some element of arrays."""

from __future__ import annotations

import re
from dataclasses import replace

from amongo.aggregate.relational.listing import MOST_LAMBDAS, MOST_TEXT
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, all_of, listed, sql, word
from amongo.aggregate.relational.values import NotLowered


class Lists:
    """Lists of the same length in each row, gone through together: one variable for each of them, all in one lambda."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._variables: dict[Sql, Sql] = {}

    def variable(self, items: Sql) -> Sql:
        """What stands for an element of a list."""
        found = self._variables.get(items)
        if found is None:
            if self._scope.lambdas >= MOST_LAMBDAS:
                raise NotLowered("arrays in arrays, too deep")
            found = self._variables[items] = self._scope.lambda_variable()
        return found

    def some(self, condition: Sql) -> Sql:
        """Whether a condition holds for some element; it may be NULL where it does not. Never NULL itself."""
        if condition == FALSE:
            return FALSE
        if len(condition.text) > MOST_TEXT:
            raise NotLowered("a condition of each element that is too long")
        used = [
            (items, variable) for items, variable in self._variables.items() if variable.columns & condition.columns
        ]
        if not used:
            items = next(iter(self._variables))
            return all_of([sql("COALESCE(len({}) > 0, FALSE)", items), condition])
        own = frozenset[str]().union(*(variable.columns for _, variable in used))
        items, variable = used[0]
        if len(used) > 1:
            items = sql("list_zip({})", listed(each for each, _ in used))
            variable = word(f"{variable.text}z")
            for place, (_, each) in enumerate(used):
                text = re.sub(rf"\b{each.text}\b", f"{variable.text}[{place + 1}]", condition.text)
                condition = replace(condition, text=text)
        found = sql("COALESCE(len(list_filter({}, lambda {}: {})) > 0, FALSE)", items, variable, condition)
        return replace(found, columns=found.columns - own)

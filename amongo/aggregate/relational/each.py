"""Elements of arrays one by one: a lambda over a list, or over several that run beside one another."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from amongo.aggregate.relational.listing import MOST_TEXT, cut, form_of, unpacked
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, listed, sql, word
from amongo.aggregate.relational.values import NOTHING, Listing, NotLowered, Origin, Value
from amongo.engine.columns import OTHER, Path
from amongo.values.types import BsonType


class Elements:
    """The elements of arrays one by one: the body of a lambda is lowered with `element`, then `mapped` or `chosen`.

    element   the value of an element
    """

    def __init__(self, listing: Listing, scope: Scope) -> None:
        self._listing = listing
        self._scope = scope
        self._lists: list[tuple[str, Sql]] = []
        self._within: dict[Path, Value] = {}
        value = unpacked(form_of(listing), self._variable(listing.items))
        give = listing.origin.within if listing.origin is not None and listing.origin.items == listing.items else None
        if give is not None and BsonType.OBJECT in value.kinds and value.fields is None:
            value = replace(value, origin=Origin(value.slots[OTHER], None, lambda rest: self._inner(give, rest)))
        self.element = value

    def _variable(self, items: Sql) -> Sql:
        variable = self._scope.lambda_variable()
        self._lists.append((variable.text, items))
        return variable

    def _inner(self, give: Callable[[Path], Listing], rest: Path) -> Value:
        if rest not in self._within:
            self._within[rest] = self.inside(give(rest))
        return self._within[rest]

    def inside(self, listing: Listing) -> Value:
        """The value, for each element, of a listing that runs beside."""
        return unpacked(form_of(listing), self._variable(listing.items)) if listing.element.tags else NOTHING

    def place(self) -> Sql:
        """The place of each element; the first is 1."""
        return self._variable(sql("range(1, len({}) + 1)", self._listing.items))

    def mapped(self, body: Sql) -> Sql:
        """The list of what the body gives for each element."""
        items, variable, body = self._through(body)
        if body.text == variable.text:
            return items
        return self._closed(sql("list_transform({}, lambda {}: {})", items, variable, body))

    def chosen(self, condition: Sql) -> Listing:
        """The elements for which a condition (never NULL) holds."""
        listing = self._listing
        items, variable, body = self._through(condition)
        found = self._closed(sql("list_filter({}, lambda {}: {})", items, variable, body))
        origin = listing.origin
        is_read_inside = origin is not None and origin.within is not None and BsonType.OBJECT in listing.element.tags
        if items == listing.items and not is_read_inside:
            return replace(listing, items=found, origin=None)
        mask = self._scope.kept_condition(self.mapped(condition))
        return cut(listing, lambda items: sql("list_where({}, {})", items, mask), length=lambda: sql("len({})", found))

    def _through(self, body: Sql) -> tuple[Sql, Sql, Sql]:
        """(one list of all that the body reads of the elements, the variable of the lambda, the body with that)."""
        if len(body.text) > MOST_TEXT:
            raise NotLowered("an expression for each element that is too long")
        used = [each for each in self._lists if each[0] in body.columns] or self._lists[:1]
        variable, items = used[0]
        if len(used) == 1:
            return items, word(variable), body
        together = self._scope.lowering.lists_together([each for _, each in used])
        items = together or sql("list_zip({})", listed(each for _, each in used))
        for place, (name, _) in enumerate(used):
            part = f"{variable}_.f{place}" if together else f"{variable}_[{place + 1}]"
            body = replace(body, text=re.sub(rf"\b{name}\b", part, body.text))
        return items, word(f"{variable}_"), body

    def _closed(self, lowered: Sql) -> Sql:
        """The same, outside of the lambda."""
        return replace(lowered, columns=lowered.columns - {name for name, _ in self._lists})

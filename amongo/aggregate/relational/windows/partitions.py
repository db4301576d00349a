"""The partitions of $setWindowFields, and the windows in them.

A window is the OVER clause of an aggregate; each aggregate over it becomes a column of the rows. Windows of so many
documents go by the complete order of the documents, so that they are those of the interpreter; windows by value go by
that value alone.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.relational.accumulators.folding import UNBOUNDED, folded
from amongo.aggregate.relational.frame import Key, ordered
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, column, integer, listed, sql
from amongo.aggregate.relational.sums import LONG_MOST, whole_range
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.engine.columns import DATE, WHOLE
from amongo.mql.expressions import Expression
from amongo.mql.expressions.date.units import UNITS
from amongo.mql.windows.bounds import CURRENT, Bounds, DocumentBounds, RangeBounds
from amongo.mql.windows.bounds import UNBOUNDED as NO_BOUND
from amongo.values.types import BsonType

_WHOLE: Final = Sql("")
_UNIT_MS: Final = {
    "week": 604_800_000,
    "day": 86_400_000,
    "hour": 3_600_000,
    "minute": 60_000,
    "second": 1000,
    "millisecond": 1,
}
"""Units that are always of the same length, in UTC."""

assert _UNIT_MS.keys() <= set(UNITS)


class Partitions:
    """The documents by partition, in order.

    scope      lowers the arguments; its relation grows by columns
    by         the columns that tell partitions apart
    sort_keys  the sort pattern
    rest       what comes behind it in the order of the documents
    sorted_by  the value of a sort pattern of one path, ascending; None for others
    most       how many documents there are at most
    """

    def __init__(self, scope: Scope, by: list[Key], sort_keys: list[Key], sorted_by: Value | None) -> None:
        """errors: NotLowered where the number of documents has no bound that is known."""
        if scope.frame.relation.most is None:
            raise NotLowered(UNBOUNDED)
        self.scope = scope
        self.by = by
        self.sort_keys = sort_keys
        self.rest = scope.frame.order
        self.sorted_by = sorted_by
        self.most = scope.frame.relation.most
        self._columns: dict[tuple[str, tuple[Any, ...]], Sql] = {}

    @property
    def order(self) -> tuple[Key, ...]:
        """The order in which the documents come out."""
        return (*self.by, *self.sort_keys, *self.rest)

    def value(self, expression: Expression) -> Value:
        """What a function takes in of each document.

        errors   NotLowered
        """
        value = self.scope.value(folded(expression))
        return value if value.is_constant else self.scope.kept(value)

    def over(self, function: Sql, *, keys: tuple[Key, ...] = (), frame: Sql = _WHOLE) -> Sql:
        """The column of a function over windows.

        keys    the order within a partition
        frame   " ROWS BETWEEN …"
        """
        partition = sql("PARTITION BY {}", listed(key.by for key in self.by)) if self.by else Sql("")
        order = ordered(keys) if keys else Sql("")
        expression = sql("{} OVER ({}{}{})", function, partition, order, frame)
        asked = (expression.text, tuple(map(repr, expression.parameters)))
        found = self._columns.get(asked)
        if found is None:
            name = self.scope.lowering.fresh("w")
            self.scope.add([(name, expression)])
            found = self._columns[asked] = column(name)
        return found

    def window(self, bounds: Bounds) -> Window:
        """The windows of these bounds.

        errors   NotLowered for bounds by value that cannot be proved to be those of the interpreter
        """
        if isinstance(bounds, DocumentBounds):
            return self._of_documents(bounds)
        return self._of_values(bounds)

    def _of_documents(self, bounds: DocumentBounds) -> Window:
        lower, upper = bounds.lower, bounds.upper
        if lower is None and upper is None:
            return Window(self, (), _WHOLE, self.most, is_growing=True, may_be_empty=False)
        most = self.most
        if lower is not None and upper is not None:
            most = min(most, max(upper - lower + 1, 1))
        keys = (*self.sort_keys, *self.rest)
        return Window(self, keys, _frame("ROWS", lower, upper), most, **_kind_of(lower, upper))

    def _of_values(self, bounds: RangeBounds) -> Window:
        """errors: NotLowered."""
        value = self.sorted_by
        if value is None or CURRENT in (bounds.lower, bounds.upper):
            raise NotLowered("a window by value up to the current document")
        lower, upper = (None if bound is NO_BOUND else bound for bound in (bounds.lower, bounds.upper))
        if bounds.unit is not None:
            step = _UNIT_MS.get(bounds.unit)
            if step is None:
                raise NotLowered(f"a window by {bounds.unit}s")
            if not value.only(BsonType.DATE):
                raise NotLowered("a window by time over values that are not all dates")
            least, highest, by = value.facts.first_ms, value.facts.last_ms, value.slots[DATE]
            lower, upper = (None if bound is None else bound * step for bound in (lower, upper))
        else:
            if not value.only(BsonType.INT, BsonType.LONG):
                raise NotLowered("a window by value over values that are not all whole numbers")
            if any(bound is not None and not isinstance(bound, int) for bound in (lower, upper)):
                raise NotLowered("a window by value whose bounds are no whole numbers")
            (least, highest), by = whole_range(value), value.slots[WHOLE]
        if least is None or highest is None:
            raise NotLowered("a window by value over values of which too little is known")
        for bound in (lower, upper):
            if bound is not None and not (least - abs(bound) > -LONG_MOST and highest + abs(bound) < LONG_MOST):
                raise NotLowered("a window by value whose bounds pass 64 bits")
        kind = _kind_of(lower, upper)
        return Window(self, (Key(by),), _frame("RANGE", lower, upper), self.most, **kind, is_range=True)


def _kind_of(lower: int | None, upper: int | None) -> dict[str, bool]:
    return {"is_growing": lower is None, "may_be_empty": (lower or 0) > 0 or (upper or 0) < 0}


def _frame(kind: str, lower: int | None, upper: int | None) -> Sql:
    """The frame clause; None is the end of the partition."""
    template = " ROWS BETWEEN {} AND {}" if kind == "ROWS" else " RANGE BETWEEN {} AND {}"
    return sql(template, _edge(lower, "UNBOUNDED PRECEDING"), _edge(upper, "UNBOUNDED FOLLOWING"))


def _edge(bound: int | None, template: str) -> Sql:
    """An end of the frame.

    template   what is written where the bound is None
    """
    if bound is None:
        return sql(template)
    return sql("{} PRECEDING" if bound <= 0 else "{} FOLLOWING", integer(abs(int(bound))))


class Window:
    """The windows of some bounds, one for each document; folds what they hold (`sums.Folds`).

    most          how many documents one holds at most
    is_growing    whether no document ever falls out
    may_be_empty  whether one may hold none
    is_range      whether they go by value, so that the order among equal ones is not known
    """

    def __init__(
        self,
        partitions: Partitions,
        keys: tuple[Key, ...],
        frame: Sql,
        most: int,
        *,
        is_growing: bool,
        may_be_empty: bool,
        is_range: bool = False,
    ) -> None:
        self.partitions = partitions
        self.keys = keys
        self.frame = frame
        self.most = most
        self.is_growing = is_growing
        self.may_be_empty = may_be_empty
        self.is_range = is_range
        self.is_few = not frame.text

    def fold(self, expression: Sql) -> Sql:
        """The column of an aggregate over the windows."""
        return self.partitions.over(expression, keys=self.keys, frame=self.frame)

    def computed(self, expression: Sql) -> Sql:
        """A column over those of aggregates."""
        return self.partitions.scope.kept_condition(expression)

    def in_order(self, expression: Sql) -> Sql:
        """The column of an aggregate that depends on the order in which documents come.

        errors   NotLowered where that is not known
        """
        if self.is_range:
            raise NotLowered("a function of a window by value that goes by the order of documents")
        if self.keys:
            return self.fold(expression)
        keys = (*self.partitions.sort_keys, *self.partitions.rest)
        return self.partitions.over(expression, keys=keys, frame=_frame("ROWS", None, None))

    def first(self, expression: Sql, condition: Sql) -> Sql:
        """The expression of the first document for which a condition holds.

        errors   NotLowered
        """
        raise NotLowered("NaN in a window")

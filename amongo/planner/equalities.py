"""The plan of a query that asks for equality alone, found at once: the commonest query there is.

`{a: 5}`, `{a: 5, b: "x"}`: plain values, no sort pattern. The entries of an index that begins with these fields stand
side by side behind one prefix; nothing is to be intersected, ordered or proved. What the general way would choose is
chosen here too, by the same weights; whatever is out of the ordinary goes the general way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.comparison import Comparison
from amongo.planner.access import IndexedAccess
from amongo.planner.bounds import Bounds, FieldBounds, IndexShape, index_bounds, placed_predicates
from amongo.planner.bounds.route import Route
from amongo.planner.bounds.scan import Entries, ScanCounts
from amongo.planner.index_facts import IndexFacts, Planning
from amongo.planner.stages import IndexScanStage
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.key_bytes import descending, key_bytes

_PLAIN: Final = frozenset({int, str, ObjectId, bool, Int64, DatetimeMS})
_BEHIND: Final = b"\xff"


class PointBounds:
    """The bounds of an index whose first fields have one value each, and the others any.

    prefix   with which the entries begin
    """

    __slots__ = ("_expression", "_shape", "_whole", "prefix")

    def __init__(self, prefix: bytes, shape: IndexShape, expression: MatchExpression) -> None:
        self.prefix = prefix
        self._shape = shape
        self._expression = expression
        self._whole: Bounds | None = None

    def scan(
        self,
        view: Entries,
        *,
        is_backward: bool = False,
        counts: ScanCounts | None = None,
        interrupt: Interrupt = NEVER,
    ) -> Iterator[bytes]:
        """See `Bounds.scan`."""
        if counts is not None:
            return self.whole.scan(view, is_backward=is_backward, counts=counts, interrupt=interrupt)
        return (view.between_backward if is_backward else view.between)(self.prefix, self.prefix + _BEHIND)

    def estimate(self, view: Entries) -> int:
        """See `Bounds.estimate`."""
        return view.count_between(self.prefix, self.prefix + _BEHIND)

    @property
    def whole(self) -> Bounds:
        """The same, field by field."""
        if self._whole is None:
            (found,) = index_bounds(self._shape, placed_predicates(self._expression))
            self._whole = found.bounds
        return self._whole

    @property
    def fields(self) -> tuple[FieldBounds, ...]:
        """See `Bounds.fields`."""
        return self.whole.fields

    @property
    def route(self) -> Route:
        """See `Bounds.route`."""
        return self.whole.route


def equality_accesses(expression: MatchExpression, planning: Planning) -> list[IndexedAccess] | None:
    """The ways to serve a filter of plain equalities by one index each; None where it is another filter, or where the
    general way has more to say."""
    if type(expression) is Comparison:
        roots: tuple[MatchExpression, ...] = (expression,)
    elif expression.operator == "$and":
        roots = expression.children
    else:
        return None
    if planning.has_special:
        return None
    by_path: dict[str, Comparison] = {}
    for root in roots:
        if type(root) is not Comparison or root.operator != "$eq" or type(root.operand) not in _PLAIN:
            return None
        by_path[root.path] = root
    if len(by_path) < len(roots):
        return None
    found = []
    for path in by_path:
        for facts in planning.by_first.get(path, ()):
            access = _access(facts, by_path, roots, expression)
            if access is None:
                return None
            found.append(access)
    if len(found) > 1:
        found.sort(key=_number)
    return found


def _number(access: IndexedAccess) -> int:
    (scan,) = access.stage.scans
    return scan.facts.number


def _access(
    facts: IndexFacts,
    by_path: dict[str, Comparison],
    roots: tuple[MatchExpression, ...],
    expression: MatchExpression,
) -> IndexedAccess | None:
    """The scan of one index; None where it is not as simple as that."""
    if facts.partial is not None or not facts.is_ordered:
        return None
    shape, collator = facts.shape, facts.collator
    parts: list[bytes] = []
    bounded = 0
    for field in facts.fields:
        root = by_path.get(field)
        if root is None:
            continue
        value = root.operand
        if type(value) is str and root.collator is not collator:
            return None
        key = key_bytes(value, collator)
        parts.append(key if facts.maker.directions[bounded] > 0 else descending(key))
        bounded += 1
    if facts.fields[bounded - 1] not in by_path or (bounded > 1 and shape.is_multikey):
        return None  # fields beyond a gap, or elements that have to be told from each other
    if any(name not in by_path for name in facts.fields[:bounded]):
        return None
    scan = IndexScanStage(facts, PointBounds(b"".join(parts), shape, expression), False, shape)
    if bounded == len(roots):
        return IndexedAccess(scan, ())
    leading = facts.fields[:bounded]
    return IndexedAccess(scan, tuple(root for root in roots if root.path not in leading))

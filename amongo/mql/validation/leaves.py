"""What an account says of each operator that stands below a field: the reason, the types, the values it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from amongo.mql.geo.parse import Malformed, stored_geometry
from amongo.mql.schema import Report
from amongo.runtime.limits import ACCOUNT_VALUES
from amongo.values.missing import MISSING
from amongo.values.paths import expand, query_path
from amongo.values.types import alias

_NUMBERS: Final = ("decimal", "double", "int", "long")


@dataclass(frozen=True, slots=True)
class Wording:
    """The reason of a failure, and that of a success where there should be none."""

    failure: str
    success: str

    def reason(self, is_inverted: bool) -> str:
        """The one that applies."""
        return self.success if is_inverted else self.failure


@dataclass(frozen=True, slots=True)
class Values:
    """The values at a path that an operator looks at.

    found          in their order, at most so many as an account shows
    exists         whether the path leads anywhere
    is_shortened   whether there are more
    """

    found: list[Any]
    exists: bool
    is_shortened: bool

    def shown(self, report: Report) -> dict[str, Any]:
        """The part of an account that shows them: one as itself, several as an array."""
        if not self.exists or report.is_short:
            return {}
        shown: dict[str, Any] = (
            report.considered(self.found[0]) if len(self.found) == 1 else {"consideredValues": self.found}
        )
        return shown | {"consideredValuesTruncated": True} if self.is_shortened else shown

    def types(self) -> dict[str, Any]:
        """The part of an account that names their types."""
        names = sorted(set(map(alias, self.found)))
        if len(names) == 1:
            return {"consideredType": names[0]}
        return {"consideredTypes": names} if names else {}


def values_at(document: dict[str, Any], path: str, *, leaf_arrays: bool) -> Values:
    """The values that a filter on the path looks at, up to the first document on the way that has none.

    leaf_arrays   an array at the end gives its elements, and not itself
    """
    found: list[Any] = []
    leaves = list(expand(document, query_path(path), leaf_arrays=False))
    exists = bool(leaves) and leaves[0] is not MISSING
    for leaf in leaves:
        if leaf is MISSING:
            break
        found += leaf if leaf_arrays and type(leaf) is list else [leaf]
    return Values(found[:ACCOUNT_VALUES], exists, len(found) > ACCOUNT_VALUES)


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator below a field.

    wording       its reasons
    expected      the types of which it can match any value at all, sorted; empty for all types
    is_negated    it is a `$not` over another (`$ne`, `$nin`): its failure is a success of that one
    leaf_arrays   an array at the end of the path is looked into, and not at
    """

    wording: Wording
    expected: tuple[str, ...] = ()
    is_negated: bool = False
    leaf_arrays: bool = True

    def explain(self, document: dict[str, Any], path: str, report: Report, is_inverted: bool) -> dict[str, Any]:
        """The account, its operator and operand aside."""
        values = values_at(document, path, leaf_arrays=self.leaf_arrays)
        if not values.exists:
            return {"reason": "field was missing"}
        if self.expected and not any(alias(value) in self.expected for value in values.found):
            return {"reason": "type did not match", **values.types(), **self._expected(), **values.shown(report)}
        return {"reason": self.wording.reason(is_inverted != self.is_negated), **values.shown(report)}

    def _expected(self) -> dict[str, Any]:
        if len(self.expected) == 1:
            return {"expectedType": self.expected[0]}
        return {"expectedTypes": list(self.expected)}


@dataclass(frozen=True, slots=True)
class TypeOperator(Operator):
    """`$type`: the account names the types of the values."""

    def explain(self, document: dict[str, Any], path: str, report: Report, is_inverted: bool) -> dict[str, Any]:
        values = values_at(document, path, leaf_arrays=True)
        reason = self.wording.reason(is_inverted) if values.exists else "field was missing"
        return {"reason": reason, **values.shown(report), **values.types()}


@dataclass(frozen=True, slots=True)
class ExistsOperator(Operator):
    """`$exists`: there is no value to show. Whether it asks for presence or absence, the document tells the reason."""

    def explain(self, document: dict[str, Any], path: str, report: Report, is_inverted: bool) -> dict[str, Any]:
        values = expand(document, query_path(path), leaf_arrays=False)
        return {"reason": self.wording.reason(any(value is not MISSING for value in values))}


@dataclass(frozen=True, slots=True)
class GeoOperator(Operator):
    """`$geoWithin`, `$geoIntersects`: values that are no geometry are told apart."""

    def explain(self, document: dict[str, Any], path: str, report: Report, is_inverted: bool) -> dict[str, Any]:
        values = values_at(document, path, leaf_arrays=True)
        if not values.exists:
            return {"reason": "field was missing"}
        whole = values_at(document, path, leaf_arrays=False).found
        if any(map(_is_geometry, [*values.found, *whole])):
            return {"reason": self.wording.reason(is_inverted), **values.shown(report)}
        return {"reason": "could not find a valid geometry at the given path", **values.shown(report)}


def _is_geometry(value: Any) -> bool:
    try:
        stored_geometry(value)
    except Malformed:
        return False
    return True


_COMPARISON: Final = Wording("comparison failed", "comparison succeeded")
_MEMBERSHIP: Final = Wording("no matching value found in array", "matching value found in array")
_BITS: Final = Operator(
    Wording("bitwise operator failed to match", "bitwise operator matched successfully"), ("binData", *_NUMBERS)
)
_WITHIN: Final = GeoOperator(
    Wording(
        "none of the considered geometries were contained within the expression\u2019s geometry",
        "at least one of considered geometries was contained within the expression\u2019s geometry",
    )
)

BY_OPERATOR: Final[dict[str, Operator]] = {
    "$eq": Operator(_COMPARISON),
    "$ne": Operator(_COMPARISON, is_negated=True),
    "$gt": Operator(_COMPARISON),
    "$gte": Operator(_COMPARISON),
    "$lt": Operator(_COMPARISON),
    "$lte": Operator(_COMPARISON),
    "$in": Operator(_MEMBERSHIP),
    "$nin": Operator(_MEMBERSHIP, is_negated=True),
    "$exists": ExistsOperator(Wording("path does not exist", "path does exist")),
    "$type": TypeOperator(Wording("type did not match", "type did match")),
    "$mod": Operator(
        Wording("$mod did not evaluate to expected remainder", "$mod did evaluate to expected remainder"), _NUMBERS
    ),
    "$regex": Operator(
        Wording("regular expression did not match", "regular expression did match"), ("regex", "string", "symbol")
    ),
    "$all": Operator(
        Wording("array did not contain all specified values", "array did contain all specified values"),
        leaf_arrays=False,
    ),
    "$elemMatch": Operator(
        Wording("array did not satisfy the child predicate", "array did satisfy the child predicate"),
        ("array",),
        leaf_arrays=False,
    ),
    "$size": Operator(
        Wording("array length was not equal to given size", "array length was equal to given size"),
        ("array",),
        leaf_arrays=False,
    ),
    "$bitsAllSet": _BITS,
    "$bitsAllClear": _BITS,
    "$bitsAnySet": _BITS,
    "$bitsAnyClear": _BITS,
    "$geoWithin": _WITHIN,
    "$within": _WITHIN,
    "$geoIntersects": GeoOperator(
        Wording(
            "none of the considered geometries intersected the expression\u2019s geometry",
            "at least one of considered geometries intersected the expression\u2019s geometry",
        )
    ),
}
"""Every operator that can stand below a field in a validator, but for `$not`."""

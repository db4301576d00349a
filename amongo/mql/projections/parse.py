"""From a projection document to a `Projection`.

The value of a field says what becomes of it: true or false (any number or bool) shows or hides it, an operator or any
other value computes it, a document without operators goes one level down. What the fields say together makes the
projection an inclusion or an exclusion; `_id` alone may differ from the others.

Source: manual, Project Fields to Return from Query, $project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from bson.decimal128 import Decimal128

from amongo.errors import ServerError
from amongo.errors import query as errors
from amongo.errors import value as value_errors
from amongo.mql.expressions import NOT_YET as EXPRESSIONS_NOT_YET
from amongo.mql.expressions import OPERATORS, parse_expression
from amongo.mql.expressions.truth import is_true
from amongo.mql.matcher import parse_filter
from amongo.mql.matcher.arrays import ElemMatch
from amongo.mql.metadata import META_KEYWORDS, asked_keywords
from amongo.mql.projections.projection import Projection, build
from amongo.mql.projections.tree import Branch, Computed, Document, Hidden, Meta, Positional, Shown, Slice
from amongo.values.missing import MISSING
from amongo.values.numbers import INT_MAX, INT_MIN, to_double
from amongo.values.paths import field_path
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

Collator = Callable[[str], bytes]
_NO_VARIABLES: Final[Mapping[str, Any]] = MappingProxyType({})

RECORD_ID_FIELD: Final = "$recordId"


def parse_projection(
    spec: dict[str, Any],
    *,
    variables: Mapping[str, Any] = _NO_VARIABLES,
    collator: Collator | None = None,
    is_stage: bool = False,
) -> Projection:
    """Parse a projection of `find` and `findAndModify`, or of a `$project` stage.

    spec        field path -> bool or number, operator, sub-projection, expression or literal; empty shows everything
    variables   what expressions may read
    collator    for the comparisons of `$elemMatch` and of expressions
    is_stage    True for `$project`: no positional operator, no `$elemMatch`, `$slice` as an expression, not empty
    errors      those of `amongo.errors.query` under "Projections", path errors, errors of expressions and filters
    source      manual, Project Fields to Return from Query, $project, $slice, $elemMatch, $ (projection)
    """
    if is_stage and not spec:
        raise errors.PROJECTION_EMPTY()
    parser = _Parser(variables, collator, is_stage)
    for name, value in spec.items():
        parser.parse_field(name, value, (), parser.root)
    projection = parser.finish()
    if projection.compute is None or is_stage:
        return projection
    return replace(projection, keywords=asked_keywords(spec) & META_KEYWORDS)


@dataclass(slots=True)
class _Parser:
    """One walk over a projection document; the fields below `root` are what it has found so far."""

    variables: Mapping[str, Any]
    collator: Collator | None
    is_stage: bool
    root: Branch = field(default_factory=Branch)
    is_inclusion: bool | None = None
    id_specified: bool = False
    id_shown: bool = False
    has_slice: bool = False
    has_elem_match: bool = False
    has_stage_meta: bool = False
    has_positional: bool = False

    def parse_field(self, name: str, value: Any, parents: tuple[str, ...], branch: Branch) -> None:
        """Read one field of the projection or of a sub-projection."""
        if not parents and name.partition(".")[0] == "_id":
            self.id_specified = True
        is_positional = name.endswith(".$") or ".$." in name
        if is_positional and self.is_stage:
            raise errors.POSITIONAL_IN_STAGE()
        if type(value) is dict:
            if is_positional:
                raise errors.POSITIONAL_WITH_OBJECT()
            self._parse_object(name, value, parents, branch)
        elif type(value) is bool or is_number(value):
            if not is_true(value):
                self._hide(name, parents, branch)
            elif is_positional:
                self._show_position(name, branch)
            else:
                self._show(name, parents, branch)
        else:
            if is_positional:
                raise errors.POSITIONAL_WITH_LITERAL()
            branch.place(field_path(name).parts, self._computed(value))
            if self.is_inclusion is False:
                raise errors.LITERAL_IN_EXCLUSION(field=name, value=shown(value))
            self.is_inclusion = True

    def _show(self, name: str, parents: tuple[str, ...], branch: Branch) -> None:
        branch.place(field_path(name).parts, Shown())
        if name == "_id" and not parents:
            self.id_shown = True
        else:
            self._require_inclusion(name)

    def _require_inclusion(self, name: str) -> None:
        if self.is_inclusion is False:
            raise errors.INCLUSION_IN_EXCLUSION(field=name)
        self.is_inclusion = True

    def _hide(self, name: str, parents: tuple[str, ...], branch: Branch) -> None:
        branch.place(field_path(name).parts, Hidden())
        if name == "_id" and not parents:
            return
        if self.is_inclusion:
            raise errors.EXCLUSION_IN_INCLUSION(field=name)
        self.is_inclusion = False

    def _show_position(self, name: str, branch: Branch) -> None:
        """The first element of an array that the filter matched.

        operand   true or a number, at a path that ends with `.$`
        result    the array on the path with that one element
        errors    POSITIONAL_TWICE, POSITIONAL_WITH_ELEM_MATCH, POSITIONAL_IN_THE_MIDDLE, POSITIONAL_WITH_OBJECT,
                  POSITIONAL_WITH_LITERAL, POSITIONAL_IN_STAGE; on a document POSITIONAL_NO_MATCH, POSITIONAL_MISMATCH
        source    manual, positional (projection)
        """
        if self.has_positional:
            raise errors.POSITIONAL_TWICE()
        if self.has_elem_match:
            raise errors.POSITIONAL_WITH_ELEM_MATCH()
        if not name.endswith(".$") or name.index(".$") != len(name) - 2:
            raise errors.POSITIONAL_IN_THE_MIDDLE()
        branch.place(field_path(name.removesuffix(".$")).parts, Positional())
        self.has_positional = True
        self._require_inclusion(name)

    def _parse_object(self, name: str, value: Document, parents: tuple[str, ...], branch: Branch) -> None:
        """An operator, an expression, or a sub-projection."""
        path = (name,) if name == RECORD_ID_FIELD and not parents else field_path(name).parts
        if not value:
            raise errors.PROJECTION_EMPTY_OBJECT()
        may_be_operator = len(value) == 1 and next(iter(value)).startswith("$")
        if may_be_operator and self._parse_operator(path, value, parents, branch):
            return
        below = Branch()
        branch.place(path, below)
        for inner, inner_value in value.items():
            self.parse_field(inner, inner_value, (*parents, *path), below)

    def _parse_operator(self, path: tuple[str, ...], value: Document, parents: tuple[str, ...], branch: Branch) -> bool:
        """Read `{$operator: operand}`; False when it is none."""
        operator = next(iter(value))
        if operator == "$elemMatch":
            if self.is_stage:
                raise errors.ELEM_MATCH_IN_STAGE()
            self._elem_match(path, value, parents, branch)
            return True
        if operator == "$slice" and not self.is_stage and self._slice(path, value["$slice"], branch):
            return True
        if operator == "$meta":  # it goes with both kinds of projection
            self.has_stage_meta |= self.is_stage
            branch.place(path, self._computed(value) if self.is_stage else Meta(_meta_keyword(value["$meta"])))
            return True
        if operator not in OPERATORS and operator not in EXPRESSIONS_NOT_YET:
            try:
                field_path(operator)
            except ServerError as failure:
                if failure.code == value_errors.PATH_FIELD_DOLLAR.code:
                    raise errors.UNKNOWN_EXPRESSION(name=operator) from None
                raise
            return False
        if self.is_inclusion is False:
            raise errors.EXPRESSION_IN_EXCLUSION()
        self.is_inclusion = True
        branch.place(path, self._computed(value))
        return True

    def _computed(self, spec: Any) -> Computed:
        variables = self.variables
        expression = parse_expression(spec, variables=variables, collator=self.collator)
        evaluate = expression.bind()
        return Computed(lambda document: evaluate(document, variables), expression)

    def _slice(self, path: tuple[str, ...], operand: Any, branch: Branch) -> bool:
        """Part of an array; other values are shown as they are. (The expression $slice takes an array with it.)

        operand   how many elements from the front, or from the end if negative; or [skip, count], skip from the end if
                  negative
        result    the array, cut; whether the other fields are shown depends on the rest of the projection
        errors    PATH_COLLISION, and those of the expression $slice for an operand that only it could understand
        source    manual, $slice (projection)
        """
        if is_number(operand):
            node = Slice(None, _int(operand))
        elif type(operand) is list and len(operand) == 2 and all(map(is_number, operand)) and _int(operand[1]) > 0:
            node = Slice(_int(operand[0]), _int(operand[1]))
        else:
            return False
        try:
            branch.place(path, node)
        except ServerError:
            return False
        self.has_slice = True
        return True

    def _elem_match(self, path: tuple[str, ...], value: Document, parents: tuple[str, ...], branch: Branch) -> None:
        """The first element of an array that satisfies conditions.

        operand   as for the query operator $elemMatch
        result    an array of that element; no field where none does
        errors    ELEM_MATCH_PROJECTION_NEEDS_OBJECT, ELEM_MATCH_WITH_POSITIONAL, ELEM_MATCH_NESTED,
                  ELEM_MATCH_IN_STAGE; those of the conditions
        source    manual, $elemMatch (projection)
        """
        if type(value["$elemMatch"]) is not dict:
            raise errors.ELEM_MATCH_PROJECTION_NEEDS_OBJECT(kind=alias(value["$elemMatch"]))
        if self.has_positional:
            raise errors.ELEM_MATCH_WITH_POSITIONAL()
        if parents or len(path) > 1:
            raise errors.ELEM_MATCH_NESTED()
        (name,) = path
        condition = parse_filter({name: value}, variables=self.variables, collator=self.collator)
        assert isinstance(condition, ElemMatch)
        test = condition.element_test()

        def first_match(document: Document) -> Any:
            array = document.get(name)
            if type(array) is list:
                for element in array:
                    if test(element):
                        return [element]
            return MISSING

        branch.place(path, Computed(first_match))
        self.has_elem_match = True

    def finish(self) -> Projection:
        """Settle what kind of projection it is, and what becomes of `_id`."""
        if self.is_inclusion is None and self.has_stage_meta:
            self.is_inclusion = True
        if self.is_inclusion is None:
            self.is_inclusion = self.id_shown if self.has_slice else self.has_elem_match or self.id_shown
        if self.is_inclusion and not self.id_specified:
            self.root.children = {"_id": Shown(), **self.root.children}
        if not self.is_inclusion and self.id_shown:
            del self.root.children["_id"]
        return build(self.root, self.is_inclusion)


def _meta_keyword(operand: Any) -> str:
    """What the query knows of the document beside it.

    operand   a keyword: "textScore", "geoNearDistance", "recordId", "sortKey", …
    errors    META_NEEDS_STRING, META_UNKNOWN; META_NOT_AVAILABLE, SORT_KEY_WITHOUT_SORT for what the query has not
    source    manual, $meta (aggregation)
    """
    if type(operand) is not str:
        raise errors.META_NEEDS_STRING()
    if operand not in META_KEYWORDS:
        raise errors.META_UNKNOWN(keyword=operand)
    return operand


def _int(operand: Any) -> int:
    """A number as the server reads a 32-bit integer: doubles cut, decimals rounded, all held within the range."""
    number = to_double(operand)
    if number != number:
        return 0
    held = min(max(number, INT_MIN), INT_MAX)
    return round(held) if type(operand) is Decimal128 else int(held)


DOCUMENTATION: Final[dict[str, str]] = {
    "$": _Parser._show_position.__doc__ or "",
    "$elemMatch": _Parser._elem_match.__doc__ or "",
    "$slice": _Parser._slice.__doc__ or "",
    "$meta": _meta_keyword.__doc__ or "",
}
"""Name -> docstring of what reads the operator: the reference pages are made from it."""

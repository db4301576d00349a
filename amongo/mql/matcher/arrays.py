"""Array operators: `$all`, `$elemMatch`, `$size`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson.regex import Regex

from amongo.errors import query as errors
from amongo.mql.matcher.joins import And, conjunction
from amongo.mql.matcher.parse import is_operator_document, parse_document, parse_operators
from amongo.mql.matcher.registry import FIELD_OPERATORS, Clause, field_operator, is_top_level_name
from amongo.mql.matcher.tree import ALWAYS_FALSE, Document, Located, MatchExpression, Predicate, Test
from amongo.values.numbers import INT_MAX, exact_integer
from amongo.values.paths import expand_located, query_path
from amongo.values.types import is_number
from amongo.values.wording import shown


@field_operator("$all")
def all_(clause: Clause) -> MatchExpression:
    """Every value of a list is found, in whatever elements; of an empty list: nothing matches.

    operand   array of values and regular expressions, or of `{$elemMatch: …}` documents alone
    errors    ALL_NEEDS_ARRAY, ALL_INCONSISTENT, ALL_NESTED_OPERATOR
    source    manual, $all
    """
    if type(clause.operand) is not list:
        raise errors.ALL_NEEDS_ARRAY()
    if not clause.operand:
        return ALWAYS_FALSE
    takes_elements = _is_elem_match(clause.operand[0])
    children = []
    for each in clause.operand:
        if takes_elements != _is_elem_match(each):
            raise errors.ALL_INCONSISTENT() if takes_elements else errors.ALL_NESTED_OPERATOR()
        if takes_elements:
            children.extend(parse_operators(clause.path, each, clause.scope))
            continue
        if is_operator_document(each) and next(iter(each)) in FIELD_OPERATORS:  # another name is a value's
            raise errors.ALL_NESTED_OPERATOR()
        operator = "$regex" if type(each) is Regex else "$eq"
        node = FIELD_OPERATORS[operator](Clause(operator, clause.path, each, {operator: each}, clause.scope))
        assert node is not None
        children.append(node)
    return conjunction(children)


def _is_elem_match(value: Any) -> bool:
    return type(value) is dict and next(iter(value), None) == "$elemMatch"


@dataclass(frozen=True, slots=True)
class ElemMatch(Predicate):
    """Some element of the array satisfies the operand, a match expression.

    takes_documents   True: the operand is a filter for elements that are documents (or arrays, whose positions are
                      then field names); False: it is a test of the element itself
    """

    operand: MatchExpression
    takes_documents: bool = True
    fans_out = False

    @property
    def children(self) -> tuple[MatchExpression, ...]:
        return (self.operand,)

    def element_test(self) -> Test:
        """The test of one element."""
        if not self.takes_documents:
            return self.operand.value_test()
        match = self.operand.bind()

        def test(element: Any) -> bool:
            kind = type(element)
            if kind is dict:
                return match(element)
            return kind is list and match({str(position): value for position, value in enumerate(element)})

        return test

    def value_test(self) -> Test:
        test = self.element_test()

        def some_element(value: Any) -> bool:
            if type(value) is list:
                for element in value:
                    if test(element):
                        return True
            return False

        return some_element

    def locate(self, document: Document) -> Located:
        """The position of the element that matched, or of the outer array's element that holds it."""
        test = self.element_test()
        for value, outer in expand_located(document, query_path(self.path), leaf_arrays=False):
            for position, element in enumerate(value if type(value) is list else ()):
                if test(element):
                    return True, position if outer is None else outer
        return False, None


@field_operator("$elemMatch")
def elem_match(clause: Clause) -> MatchExpression:
    """Some one element of the array satisfies all conditions.

    operand   a document of operators for the element itself, or a filter for elements that are documents
    errors    ELEM_MATCH_NEEDS_OBJECT, ELEM_MATCH_WHERE, EXPR_NOT_TOP_LEVEL, and those of the conditions
    source    manual, $elemMatch (query)
    """
    operand = clause.operand
    if type(operand) is not dict:
        raise errors.ELEM_MATCH_NEEDS_OBJECT()
    scope = clause.scope.inside_element()
    if is_operator_document(operand, is_partial_dbref_value=True) and not is_top_level_name(next(iter(operand))):
        conditions = parse_operators("", operand, scope)
        return ElemMatch("$elemMatch", clause.path, And("$and", None, tuple(conditions)), takes_documents=False)
    return ElemMatch("$elemMatch", clause.path, parse_document(operand, scope))


@dataclass(frozen=True, slots=True)
class Size(Predicate):
    """The array has so many elements."""

    operand: int
    fans_out = False

    def value_test(self) -> Test:
        count = self.operand
        return lambda value: type(value) is list and len(value) == count


@field_operator("$size")
def size(clause: Clause) -> MatchExpression:
    """The field is an array of exactly so many elements.

    operand   a whole number from 0 to 2**31 - 1, of any numeric type
    errors    SIZE_NOT_A_NUMBER, SIZE_NOT_AN_INTEGER, SIZE_NEGATIVE, SIZE_TOO_LARGE
    source    manual, $size
    """
    if not is_number(clause.operand):
        raise errors.SIZE_NOT_A_NUMBER(operand=shown(clause.operand))
    count = exact_integer(clause.operand)
    if count is None:
        raise errors.SIZE_NOT_AN_INTEGER(operand=shown(clause.operand))
    if count > INT_MAX:
        raise errors.SIZE_TOO_LARGE(operand=shown(clause.operand))
    if count < 0:
        raise errors.SIZE_NEGATIVE(operand=shown(clause.operand))
    return Size("$size", clause.path, count)

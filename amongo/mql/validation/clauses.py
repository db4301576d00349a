"""A validator as it was written: a tree of clauses, each of which can tell why a document fails it.

The matcher brings filters into one form and forgets how they were written; an account repeats them as they were. So
this is a second reading of the same filter, made when the first account is asked for. A leaf keeps its own small filter
and asks the matcher whether a document matches it.

An account tells of failures; below `$nor` and `$not` it tells of successes: it is inverted there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.regex import Regex

from amongo.errors import ServerError
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.matcher.parse import is_operator_document
from amongo.mql.schema import Report, Schema, parse_schema
from amongo.mql.validation.leaves import BY_OPERATOR, Wording
from amongo.values.missing import MISSING
from amongo.values.order import Collator

Document = dict[str, Any]
Account = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the filter of a leaf is parsed with.

    variables   that `$expr` may read
    collator    of the collection
    """

    variables: Mapping[str, Any]
    collator: Collator | None

    def parse(self, filter: dict[str, Any]) -> MatchExpression:
        """The match expression of a filter."""
        return parse_filter(filter, variables=self.variables, collator=self.collator)


class Clause(ABC):
    """A part of a validator."""

    @property
    def annotations(self) -> dict[str, str]:
        """Title and description, where it is a schema that has them."""
        return {}

    @abstractmethod
    def matches(self, document: Document) -> bool:
        """Whether the document matches. errors: those of `$expr`, REGEX_LIMIT."""

    @abstractmethod
    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        """Why the document fails; inverted, why it matches."""


@dataclass(frozen=True, slots=True)
class Junction(Clause):
    """`$and`, `$or`, `$nor`, and several clauses side by side, which are an `$and`."""

    operator: str
    children: tuple[Clause, ...]

    def matches(self, document: Document) -> bool:
        found = (child.matches(document) for child in self.children)
        if self.operator == "$and":
            return all(found)
        return any(found) == (self.operator == "$or")

    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        """Of the children, those that are to blame: of an `$or` that fails and an `$and` that matches it is all."""
        inner = is_inverted != (self.operator == "$nor")
        tells_all = self.operator == ("$and" if is_inverted else "$or") or (self.operator == "$nor" and is_inverted)
        told = [
            {"index": index, **child.annotations, "details": child.explain(document, report, inner)}
            for index, child in enumerate(self.children)
            if tells_all or _is_to_blame(child, document, inner)
        ]
        return {"operatorName": self.operator, "clausesSatisfied" if inner else "clausesNotSatisfied": told}


def _is_to_blame(child: Clause, document: Document, is_inverted: bool) -> bool:
    try:
        return child.matches(document) == is_inverted
    except ServerError:
        return True


@dataclass(frozen=True, slots=True)
class Negation(Clause):
    """`$not`."""

    child: Clause

    def matches(self, document: Document) -> bool:
        return not self.child.matches(document)

    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        return {"operatorName": "$not", "details": self.child.explain(document, report, not is_inverted)}


@dataclass(frozen=True, slots=True)
class SchemaClause(Clause):
    """`$jsonSchema`."""

    schema: Schema

    @property
    def annotations(self) -> dict[str, str]:
        return self.schema.annotations

    def matches(self, document: Document) -> bool:
        return self.schema.bind()(document)

    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        head = {"operatorName": "$jsonSchema"}
        if is_inverted:
            return {**head, "reason": "schema matched"}
        details = self.schema.explain(document, report)
        return details if type(details) is dict else {**head, **self.annotations, "schemaRulesNotSatisfied": details}


@dataclass(frozen=True, slots=True)
class Leaf(Clause):
    """One operator below a field, or one that stands alone.

    operator    as the account names it
    path        None for one that stands alone
    specified   its own filter, as it was written
    """

    operator: str
    path: str | None
    specified: dict[str, Any]
    expression: MatchExpression

    def matches(self, document: Document) -> bool:
        return self.expression.bind()(document)

    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        head = {"operatorName": self.operator, **report.specified(self.specified)}
        if self.path is not None:
            return head | BY_OPERATOR[self.operator].explain(document, self.path, report, is_inverted)
        return head | {"reason": f"expression always evaluates to {str(is_inverted).lower()}"}


_EXPRESSION = Wording("expression did not match", "expression did match")


@dataclass(frozen=True, slots=True)
class ComputedLeaf(Leaf):
    """`$expr` and `$sampleRate`: the account shows what the expression gives."""

    variables: Mapping[str, Any]

    def explain(self, document: Document, report: Report, is_inverted: bool) -> Account:
        head = {"operatorName": self.operator, **report.specified(self.specified)}
        try:
            result = self._result(document, is_inverted)
        except ServerError as error:
            reply = {"code": error.code, "codeName": error.code_name, "errmsg": error.message}
            return {**head, "reason": "failed to evaluate aggregation expression", "details": reply}
        shown = {} if result is MISSING else {"expressionResult": result}
        return {**head, "reason": _EXPRESSION.reason(is_inverted), **shown}

    def _result(self, document: Document, is_inverted: bool) -> Any:
        if self.operator == "$expr":
            return self.expression.operand.bind()(document, self.variables)
        return is_inverted  # a second throw of the dice would tell nothing


@dataclass(frozen=True, slots=True)
class Validator:
    """A validator, ready to explain.

    root   its clauses
    """

    root: Clause

    def explain(self, document: Document, report: Report) -> Account:
        """Why the document fails. errors: REGEX_LIMIT."""
        return self.root.explain(document, report, is_inverted=False)


def parse_validator(
    filter: dict[str, Any], *, variables: Mapping[str, Any], collator: Collator | None = None
) -> Validator:
    """Read a validator for its accounts.

    filter      a filter that `parse_filter` accepts
    variables   that `$expr` may read
    collator    of the collection
    """
    return Validator(_parse_filter(filter, Surroundings(variables, collator)))


def _parse_filter(filter: dict[str, Any], around: Surroundings) -> Clause:
    clauses: list[Clause] = []
    for name, operand in filter.items():
        if is_operator_document(operand) and not name.startswith("$"):
            clauses += _parse_operators(name, operand, around)
        elif name != "$comment":
            clauses.append(_parse_clause(name, operand, around))
    return _conjunction(clauses)


def _conjunction(clauses: list[Clause]) -> Clause:
    return clauses[0] if len(clauses) == 1 else Junction("$and", tuple(clauses))


def _parse_clause(name: str, operand: Any, around: Surroundings) -> Clause:
    if name in ("$and", "$or", "$nor"):
        return Junction(name, tuple(_parse_filter(each, around) for each in operand))
    if name == "$jsonSchema":
        return SchemaClause(parse_schema(operand))
    specified = {name: operand}
    expression = around.parse(specified)
    if name in ("$expr", "$sampleRate"):
        return ComputedLeaf(name, None, specified, expression, around.variables)
    if name in ("$alwaysTrue", "$alwaysFalse"):
        return Leaf(name, None, specified, expression)
    return Leaf("$regex" if type(operand) is Regex else "$eq", name, specified, expression)


def _parse_operators(path: str, operators: dict[str, Any], around: Surroundings) -> list[Clause]:
    clauses: list[Clause] = []
    for name, operand in operators.items():
        if name == "$not":
            clauses.append(Negation(_parse_negated(path, operand, around)))
        elif name != "$options":
            beside = {"$options": operators["$options"]} if name == "$regex" and "$options" in operators else {}
            specified = {path: {name: operand, **beside}}
            is_never = name == "$all" and not operand
            clauses.append(Leaf(name, None if is_never else path, specified, around.parse(specified)))
    return clauses


def _parse_negated(path: str, operand: Any, around: Surroundings) -> Clause:
    if type(operand) is Regex:
        return _parse_clause(path, operand, around)
    return _conjunction(_parse_operators(path, operand, around))

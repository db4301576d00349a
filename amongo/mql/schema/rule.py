"""What a schema is once it has been read: rules, each a test of one value and an account of its failure.

A rule is bound once to a closure, its test; only the closure sees documents. A value that a rule does not speak of (a
string, to `minimum`) passes, and so does MISSING, which stands for a required property that is not there: `required`
itself tells of that. Accounts have the shape of the server's `errInfo`. (Source: manual, $jsonSchema, JSON Schema.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Test = Callable[[Any], bool]
Details = list[dict[str, Any]]
"""Accounts of failures, in the order in which the server gives them."""


@dataclass(frozen=True, slots=True)
class Report:
    """How much an account tells.

    is_short   without what grows with the schema and the document: operands, and most values
    """

    is_short: bool = False

    def specified(self, operand: dict[str, Any]) -> dict[str, Any]:
        """The part that repeats the rule."""
        return {} if self.is_short else {"specifiedAs": operand}

    def considered(self, value: Any) -> dict[str, Any]:
        """The part that shows the value."""
        return {} if self.is_short else {"consideredValue": value}


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """One keyword with its operand.

    keyword   its name
    """

    keyword: str

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        """The schemas inside the operand."""
        return ()

    @abstractmethod
    def bind(self) -> Test:
        """Compile to a test of one value or MISSING."""

    @abstractmethod
    def explain(self, value: Any, report: Report) -> Details:
        """Why this value fails the test; empty where another rule tells the reason."""


@dataclass(frozen=True, slots=True)
class Restriction(Rule):
    """A rule for values of some classes; all others pass.

    classes     Python classes of the values it speaks of
    holds       the test of such a value
    specified   keyword and operand, with what belongs to them
    reason      of a failure
    measured    what an account shows after the reason; None for the value itself
    """

    classes: frozenset[type]
    holds: Test
    specified: dict[str, Any]
    reason: str
    measured: Callable[[Any], dict[str, Any]] | None = None

    def bind(self) -> Test:
        classes, holds = self.classes, self.holds
        return lambda value: type(value) not in classes or holds(value)

    def explain(self, value: Any, report: Report) -> Details:
        shown = report.considered(value) if self.measured is None else self.measured(value)
        return [{"operatorName": self.keyword, **report.specified(self.specified), "reason": self.reason, **shown}]


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema: all of its rules hold.

    document      as it was written
    annotations   its title and description, where it has them
    rules         in the order of the server's accounts
    types_fail    whether it describes whole documents and says that they are none: nothing passes
    """

    document: dict[str, Any]
    annotations: dict[str, str]
    rules: tuple[Rule, ...]
    types_fail: bool = False

    def bind(self) -> Test:
        """Compile to a test of one value or MISSING."""
        if self.types_fail:
            return lambda value: False
        # The type is the last rule and the first test: it is quick, and often it decides.
        return _all_of([rule.bind() for rule in reversed(self.rules)])

    def explain(self, value: Any, report: Report) -> Details | dict[str, Any]:
        """Why a value fails: the accounts of the rules it breaks; or one account, where nothing could pass."""
        if self.types_fail:
            specified = report.specified({"$jsonSchema": self.document})
            return {"operatorName": "$jsonSchema", **specified, "reason": "expression always evaluates to false"}
        return [detail for rule in self.rules if not rule.bind()(value) for detail in rule.explain(value, report)]

    def uses(self, keywords: frozenset[str]) -> bool:
        """Whether one of these keywords stands in it, at any depth."""
        return not keywords.isdisjoint(self.document) or any(
            inner.uses(keywords) for rule in self.rules for inner in rule.subschemas
        )


def _all_of(tests: list[Test]) -> Test:
    if not tests:
        return lambda value: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda value: first(value) and second(value)

    return lambda value: all(test(value) for test in tests)

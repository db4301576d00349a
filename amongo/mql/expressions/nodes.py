"""The expression tree: what an expression is once its text has been read.

An expression is parsed once into frozen nodes. `bind()` folds what is constant (errors of constant parts show up
here, before any document is read, as they do on a server) and gives a closure which takes the current document and
the variables in scope. MISSING is the result of a path that leads nowhere; it is not null.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from amongo.errors import ServerError
from amongo.errors import expression as errors
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath as Path
from amongo.values.paths import evaluate as follow

Document = dict[str, Any]
Variables = Mapping[str, Any]
Evaluate = Callable[[Document, Variables], Any]


class Expression(ABC):
    """A node of the tree. Nodes are immutable and may be bound any number of times."""

    __slots__ = ()

    def bind(self) -> Evaluate:
        """Fold constants and compile to `(document, variables) -> value | MISSING`.

        errors   whatever a constant part raises, for example DIVIDE_BY_ZERO for {$divide: [1, 0]}
        """
        return self.fold().compile()

    @property
    def is_constant(self) -> bool:
        """True for a literal: the value is known without a document."""
        return False

    def children(self) -> Iterator[Expression]:
        """The expressions directly below this one."""
        return iter(())

    @abstractmethod
    def fold(self) -> Expression:
        """The same expression with its constant parts computed."""

    @abstractmethod
    def compile(self) -> Evaluate:
        """The closure of this very node; `bind()` is what callers want."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A value that stands for itself (also MISSING, which is what $$REMOVE is)."""

    value: Any

    @property
    def is_constant(self) -> bool:
        return True

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        value = self.value
        return lambda document, variables: value


@dataclass(frozen=True, slots=True)
class FieldPath(Expression):
    """`$a.b`: a path from the current document; arrays on the way fan out to an array of results."""

    path: Path

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        path, parts = self.path, self.path.parts
        if len(parts) == 1:
            (name,) = parts
            return lambda document, variables: document.get(name, MISSING)
        if len(parts) > 2:
            return lambda document, variables: follow(document, path)
        first, second = parts

        def two_steps(document: Document, variables: Variables) -> Any:
            inner = document.get(first, MISSING)
            return inner.get(second, MISSING) if type(inner) is dict else follow(document, path)

        return two_steps


@dataclass(frozen=True, slots=True)
class Variable(Expression):
    """`$$name.path`: a variable of the enclosing $let, $map, pipeline `let`, or a system variable held in the scope."""

    name: str
    path: Path | None = None

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        name, path = self.name, self.path
        if name == "ROOT":
            return FieldPath(path).compile() if path else lambda document, variables: document

        def read(document: Document, variables: Variables) -> Any:
            try:
                value = variables[name]
            except KeyError:
                raise unavailable(name) from None
            return follow(value, path) if path else value

        return read


@dataclass(frozen=True, slots=True)
class ObjectExpression(Expression):
    """`{a: expression, …}`: a new document; a missing value leaves its field out."""

    fields: tuple[tuple[str, Expression], ...]

    def children(self) -> Iterator[Expression]:
        return (expression for _, expression in self.fields)

    def fold(self) -> Expression:
        fields = tuple((name, expression.fold()) for name, expression in self.fields)
        if all(expression.is_constant for _, expression in fields):
            return Literal(ObjectExpression(fields).compile()({}, {}))
        return ObjectExpression(fields)

    def compile(self) -> Evaluate:
        compiled = tuple((name, expression.compile()) for name, expression in self.fields)

        def build(document: Document, variables: Variables) -> Document:
            result = {}
            for name, evaluate in compiled:
                value = evaluate(document, variables)
                if value is not MISSING:
                    result[name] = value
            return result

        return build


@dataclass(frozen=True, slots=True)
class ArrayExpression(Expression):
    """`[expression, …]`: a new array; a missing value becomes null."""

    items: tuple[Expression, ...]

    def children(self) -> Iterator[Expression]:
        return iter(self.items)

    def fold(self) -> Expression:
        items = tuple(item.fold() for item in self.items)
        if all(item.is_constant for item in items):
            return Literal(ArrayExpression(items).compile()({}, {}))
        return ArrayExpression(items)

    def compile(self) -> Evaluate:
        compiled = tuple(item.compile() for item in self.items)

        def build(document: Document, variables: Variables) -> list[Any]:
            return [None if (value := evaluate(document, variables)) is MISSING else value for evaluate in compiled]

        return build


@dataclass(frozen=True, slots=True)
class Operator:
    """What a Call needs to know: the function, how it takes its arguments, whether it may be folded.

    constant   what computes it where all arguments are constants; None for `function`
    """

    name: str
    function: Callable[..., Any]
    takes_list: bool
    is_pure: bool = True
    constant: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """An operator applied to evaluated arguments: every argument is computed first, in order."""

    operator: Operator
    arguments: tuple[Expression, ...]

    def children(self) -> Iterator[Expression]:
        return iter(self.arguments)

    def fold(self) -> Expression:
        arguments = tuple(argument.fold() for argument in self.arguments)
        folded = Call(self.operator, arguments)
        if self.operator.is_pure and all(argument.is_constant for argument in arguments):
            if self.operator.constant is not None:
                folded = Call(replace(self.operator, function=self.operator.constant), arguments)
            return Literal(folded.compile()({}, {}))
        return folded

    def compile(self) -> Evaluate:
        function = self.operator.function
        compiled = tuple(argument.compile() for argument in self.arguments)
        if self.operator.takes_list:
            return lambda document, variables: function([evaluate(document, variables) for evaluate in compiled])
        if len(compiled) == 1:
            (only,) = compiled
            return lambda document, variables: function(only(document, variables))
        if len(compiled) == 2:
            left, right = compiled
            return lambda document, variables: function(left(document, variables), right(document, variables))
        return lambda document, variables: function(*[evaluate(document, variables) for evaluate in compiled])


def unavailable(name: str) -> ServerError:
    """The error for a system variable that this command does not provide."""
    return errors.VARIABLE_UNAVAILABLE(name=name)

"""Conversions with `onNull` and `onError`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from amongo.errors import ErrorCode, ServerError
from amongo.mql.expressions.nodes import Call, Document, Evaluate, Expression, Literal, Variables


class Nothing(Enum):
    """The type of NOTHING."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING
"""What a conversion gives when there was nothing to convert, so that `onNull` applies."""


@dataclass(frozen=True, slots=True)
class WithFallbacks(Expression):
    """A conversion with values for no input and for a failed conversion; both are evaluated only when needed."""

    conversion: Call
    on_null: Expression | None
    on_error: Expression | None

    def children(self) -> Iterator[Expression]:
        yield self.conversion
        yield from (fallback for fallback in (self.on_null, self.on_error) if fallback is not None)

    def fold(self) -> Expression:
        arguments = tuple(argument.fold() for argument in self.conversion.arguments)
        on_null = self.on_null.fold() if self.on_null is not None else None
        on_error = self.on_error.fold() if self.on_error is not None else None
        folded = WithFallbacks(Call(self.conversion.operator, arguments), on_null, on_error)
        parts = (*arguments, *(fallback for fallback in (on_null, on_error) if fallback is not None))
        if all(part.is_constant for part in parts):
            return Literal(folded.compile()({}, {}))
        return folded

    def compile(self) -> Evaluate:
        convert = self.conversion.compile()
        on_null = self.on_null.compile() if self.on_null is not None else None
        on_error = self.on_error.compile() if self.on_error is not None else None

        def run(document: Document, variables: Variables) -> Any:
            try:
                value = convert(document, variables)
            except ServerError as failure:
                if on_error is None or failure.code != ErrorCode.ConversionFailure:
                    raise
                return on_error(document, variables)
            if value is NOTHING:
                return None if on_null is None else on_null(document, variables)
            return value

        return run

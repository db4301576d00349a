"""$redact: documents, and documents inside of them, that stay, go, or are looked into, as they say themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import stages as errors
from amongo.mql.expressions import Evaluate, Expression, parse_in
from amongo.mql.expressions.scope import REDACT_VARIABLES
from amongo.values.missing import MISSING
from amongo.values.wording import shown

_VALUES: Final = {name: name.lower() for name in REDACT_VARIABLES}
"""What the variables hold. The server's are these strings too, so that {$literal: "keep"} keeps."""


@dataclass(frozen=True, slots=True)
class Redact(Stage):
    """One decision for each document; where it is DESCEND, one for each document inside, also in arrays."""

    decision: Expression

    def bind(self) -> Run:
        decide = self.decision.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables = {**environment.variables, **_VALUES}
            for document in documents:
                environment.interrupt.check()
                kept = _redacted(document, document, decide, variables)
                if kept is not MISSING:
                    yield kept

        return run


def _redacted(inner: Document, root: Document, decide: Evaluate, variables: Mapping[str, Any]) -> Any:
    """What stays of one document inside `root`; MISSING for nothing.

    errors   REDACT_RESULT
    """
    decision = decide(root, {**variables, "CURRENT": inner})
    if type(decision) is not str or decision not in _VALUES.values():
        raise errors.REDACT_RESULT(value="MISSING" if decision is MISSING else shown(decision))
    if decision == "keep":
        return inner
    if decision == "prune":
        return MISSING
    fields = ((name, _inside(value, root, decide, variables)) for name, value in inner.items())
    return {name: value for name, value in fields if value is not MISSING}


def _inside(value: Any, root: Document, decide: Evaluate, variables: Mapping[str, Any]) -> Any:
    if type(value) is dict:
        return _redacted(value, root, decide, variables)
    if type(value) is list:
        elements = (_inside(element, root, decide, variables) for element in value)
        return [element for element in elements if element is not MISSING]
    return value


@stage("$redact")
def parse_redact(spec: Any, surroundings: Surroundings) -> Redact:
    """What stays of each document, as an expression over it decides.

    spec     an expression that gives $$KEEP (all of it), $$PRUNE (nothing) or $$DESCEND: the fields stay, and each
             document inside, in arrays too, is decided for itself with that document as `$$CURRENT`
    result   the documents that stay, with what stays of them
    errors   REDACT_RESULT for another value
    source   manual, $redact
    """
    scope = surroundings.scope.with_names([*REDACT_VARIABLES, "CURRENT"])
    return Redact(parse_in(spec, scope))

"""$accumulator: a fold written in JavaScript, read as by a server and refused when the first group begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from amongo.errors import scripting as errors
from amongo.mql.accumulators.registry import Accumulation, accumulator_form
from amongo.mql.expressions import Evaluate, Expression, Literal, Scope, parse_in
from amongo.mql.expressions.scripting import is_code
from amongo.values.types import alias

_CODE: Final = ("init", "accumulate", "merge", "finalize")
_REQUIRED: Final = {
    "init": errors.ACCUMULATOR_WITHOUT_INIT,
    "accumulate": errors.ACCUMULATOR_WITHOUT_ACCUMULATE,
    "merge": errors.ACCUMULATOR_WITHOUT_MERGE,
    "accumulateArgs": errors.ACCUMULATOR_WITHOUT_ARGS,
}


@dataclass(frozen=True, slots=True)
class ScriptedFold(Accumulation):
    """A fold in JavaScript; there is none to begin."""

    argument: Expression

    @property
    def grows(self) -> bool:
        return False

    def bind(self) -> Evaluate:
        return self.argument.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> NoReturn:
        raise errors.NO_ENGINE()


@accumulator_form("$accumulator")
def parse_scripted(argument: Any, scope: Scope) -> Accumulation:
    """What functions in JavaScript make of the documents. There is no engine for it: the first group fails.

    argument   {init, accumulate, merge: strings or code, accumulateArgs: an expression that gives an array,
               initArgs: the same, of the key, finalize: code, lang: "js"}
    result     none
    errors     ACCUMULATOR_SPEC_NOT_OBJECT, ACCUMULATOR_CODE_NOT_CONSTANT, ACCUMULATOR_CODE_TYPE,
               ACCUMULATOR_LANG_TYPE, ACCUMULATOR_LANG, ACCUMULATOR_UNKNOWN_FIELD, ACCUMULATOR_WITHOUT_INIT,
               ACCUMULATOR_WITHOUT_ACCUMULATE, ACCUMULATOR_WITHOUT_MERGE, ACCUMULATOR_WITHOUT_ARGS; NO_ENGINE when a
               group begins
    order      fields are checked as they come, then what is missing
    source     manual, $accumulator (aggregation)
    """
    if type(argument) is not dict:
        raise errors.ACCUMULATOR_SPEC_NOT_OBJECT(kind=alias(argument))
    given: dict[str, Any] = {}
    for field, value in argument.items():
        if field in _CODE:
            given[field] = _code(field, value, scope)
        elif field in ("initArgs", "accumulateArgs"):
            given[field] = parse_in(value, scope)
        elif field != "lang":
            raise errors.ACCUMULATOR_UNKNOWN_FIELD(field=field)
        elif type(value) is not str:
            raise errors.ACCUMULATOR_LANG_TYPE(kind=alias(value))
        elif value != "js":
            raise errors.ACCUMULATOR_LANG()
    for field, absent in _REQUIRED.items():
        if not given.get(field):
            raise absent()
    return ScriptedFold(given["accumulateArgs"])


def _code(field: str, value: Any, scope: Scope) -> str:
    """The text of a function: a constant, also one that is computed.

    errors   ACCUMULATOR_CODE_NOT_CONSTANT, ACCUMULATOR_CODE_TYPE
    """
    code = parse_in(value, scope).fold()
    if not isinstance(code, Literal):
        raise errors.ACCUMULATOR_CODE_NOT_CONSTANT(field=field)
    if not is_code(code.value):
        raise errors.ACCUMULATOR_CODE_TYPE(field=field)
    return str(code.value)

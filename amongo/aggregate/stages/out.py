"""$out: the documents go into a collection, in place of everything that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.output import OutTarget
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import output as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class Out(Stage):
    """The target."""

    target: OutTarget

    def bind(self) -> Run:
        target = self.target

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            output = environment.output
            if output is None:
                raise pipeline_errors.STAGE_NOT_YET(name="$out", reason="this pipeline has nowhere to write to")
            output.replace(target, documents)
            yield from ()

        return run


@stage("$out")
def parse_out(spec: Any, surroundings: Surroundings) -> Out:
    """The documents go into a collection, in place of everything that is there.

    spec     a collection's name, or {db, coll, timeseries: options of a time series collection}
    result   nothing; the collection keeps its options and indexes, and is replaced at once when all documents are
             written: an error leaves it as it was
    errors   OUT_TYPE, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE; when run the other OUT_ conditions, INVALID_TARGET,
             those of the writes
    source   manual, $out
    """
    if type(spec) is str:
        return Out(OutTarget(None, spec))
    if type(spec) is not dict:
        raise errors.OUT_TYPE(kind=alias(spec))
    for field, given in spec.items():
        if field in ("db", "coll"):
            if type(given) is not str:
                raise command_errors.WRONG_TYPE(
                    command="$out", field=field, actual=alias(given), expected="type 'string'"
                )
        elif field != "timeseries":
            raise command_errors.UNKNOWN_FIELD(command="$out", field=field)
        elif given is not None and type(given) is not dict:
            raise command_errors.WRONG_TYPE(command="$out", field=field, actual=alias(given), expected="type 'object'")
    for field in ("db", "coll"):
        if field not in spec:
            raise command_errors.MISSING_FIELD(command="$out", field=field)
    return Out(OutTarget(spec["db"], spec["coll"], spec.get("timeseries")))

"""$merge: the documents go into a collection, to what is there already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.output import MergeTarget
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import output as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.mql.expressions import Expression
from amongo.mql.expressions.scope import check_write_name
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, field_path
from amongo.values.types import alias

PIPELINE: Final = "pipeline"
_WHEN_MATCHED: Final = ("replace", "keepExisting", "merge", "fail")
_WHEN_NOT_MATCHED: Final = ("insert", "discard", "fail")
_ONLY_INSERTING: Final = ("keepExisting", "fail")  # what these do to a match makes no sense with anything else
_NEW: Final = {"new": "$$ROOT"}


@dataclass(frozen=True, slots=True)
class Merge(Stage):
    """The target, and `let`: names and the expressions that a document gives them."""

    target: MergeTarget
    bindings: tuple[tuple[str, Expression], ...]

    def bind(self) -> Run:
        target = self.target
        bindings = tuple((name, expression.bind()) for name, expression in self.bindings)

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            output, variables = environment.output, environment.variables
            if output is None:
                raise pipeline_errors.STAGE_NOT_YET(name="$merge", reason="this pipeline has nowhere to write to")

            def with_values(document: Document) -> tuple[Document, Mapping[str, Any]]:
                values = ((name, evaluate(document, variables)) for name, evaluate in bindings)
                return document, {name: value for name, value in values if value is not MISSING}

            output.merge(target, map(with_values, documents))
            yield from ()

        return run


@stage("$merge")
def parse_merge(spec: Any, surroundings: Surroundings) -> Merge:
    """The documents go into a collection, to what is there already.

    spec     a collection's name, or {into: name | {db, coll}, on: path | [paths], whenMatched: "merge" | "replace" |
             "keepExisting" | "fail" | [stages], whenNotMatched: "insert" | "discard" | "fail", let: {name: expression}}
    result   nothing
    errors   the MERGE_ conditions, INVALID_TARGET, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, NOT_ENUMERATED, path and
             name errors, those of the expressions; when run those of the writes
    order    the documents are written in the order in which they come; an error leaves what is written
    source   manual, $merge
    """
    if type(spec) is str:
        return Merge(MergeTarget(None, spec), ())
    if type(spec) is not dict:
        raise errors.MERGE_TYPE(kind=alias(spec))
    place: tuple[str | None, str] | None = None
    on: list[str] | None = None
    matched, not_matched = "merge", "insert"
    stages: list[Any] = []
    let: Document | None = None
    for field, given in spec.items():
        if field == "into":
            place = _parse_into(given)
        elif field == "on":
            on = _parse_on(given)
        elif field == "let":
            let = _object("let", given)
        elif field == "whenMatched":
            matched, stages = _parse_when_matched(given)
        elif field == "whenNotMatched":
            not_matched = _parse_when_not_matched(given)
        elif field != "targetCollectionVersion":
            raise command_errors.UNKNOWN_FIELD(command="$merge", field=field)
    if place is None:
        raise command_errors.MISSING_FIELD(command="$merge", field="into")
    paths = None if on is None else _paths(on)
    if matched in _ONLY_INSERTING and not_matched != "insert":
        raise errors.MERGE_MODES(matched=matched, not_matched=not_matched)
    target = MergeTarget(*place, paths, matched, not_matched, stages)
    return Merge(target, _parse_let(let, target, surroundings))


def _object(field: str, given: Any) -> Document | None:
    if given is not None and type(given) is not dict:
        raise command_errors.WRONG_TYPE(command="$merge", field=field, actual=alias(given), expected="type 'object'")
    return given


def _parse_into(given: Any) -> tuple[str | None, str]:
    """(database or None, collection).

    errors   MERGE_INTO_TYPE, MERGE_INTO_EMPTY, MERGE_INTO_EMPTY_COLLECTION, UNKNOWN_FIELD, WRONG_TYPE
    """
    if type(given) is str:
        if not given:
            raise errors.MERGE_INTO_EMPTY()
        return None, given
    if type(given) is not dict:
        raise errors.MERGE_INTO_TYPE(kind=alias(given))
    for field, name in given.items():
        if field not in ("db", "coll"):
            raise command_errors.UNKNOWN_FIELD(command="$merge.into", field=field)
        if name is not None and type(name) is not str:
            raise command_errors.WRONG_TYPE(
                command="$merge.into", field=field, actual=alias(name), expected="type 'string'"
            )
    if not given.get("coll"):
        raise errors.MERGE_INTO_EMPTY_COLLECTION()
    return given.get("db") or None, given["coll"]


def _parse_on(given: Any) -> list[str]:
    """The paths as they were written.

    errors   MERGE_ON_TYPE, MERGE_ON_EMPTY, MERGE_ON_ELEMENT
    """
    if type(given) is str:
        return [given]
    if type(given) is not list:
        raise errors.MERGE_ON_TYPE(kind=alias(given))
    if not given:
        raise errors.MERGE_ON_EMPTY()
    for each in given:
        if type(each) is not str:
            raise errors.MERGE_ON_ELEMENT(kind=alias(each))
    return given


def _paths(texts: list[str]) -> tuple[FieldPath, ...]:
    """The paths, each once.

    errors   MERGE_ON_TWICE, path errors
    """
    paths: list[FieldPath] = []
    for text in texts:
        path = field_path(text)
        if path in paths:
            raise errors.MERGE_ON_TWICE(field=text)
        paths.append(path)
    return tuple(paths)


def _parse_when_matched(given: Any) -> tuple[str, list[Any]]:
    """(mode, the stages of a pipeline).

    errors   MERGE_WHEN_MATCHED_TYPE, NOT_ENUMERATED, STAGE_NOT_OBJECT
    """
    if type(given) is list:
        if not all(type(each) is dict for each in given):
            raise pipeline_errors.STAGE_NOT_OBJECT()
        return PIPELINE, given
    if type(given) is not str:
        raise errors.MERGE_WHEN_MATCHED_TYPE(kind=alias(given))
    if given not in _WHEN_MATCHED:
        raise command_errors.NOT_ENUMERATED(value=given, field="$merge.whenMatched")
    return given, []


def _parse_when_not_matched(given: Any) -> str:
    """The mode; null is "insert".

    errors   WRONG_TYPE, NOT_ENUMERATED
    """
    if given is None:
        return "insert"
    if type(given) is not str:
        raise command_errors.WRONG_TYPE(
            command="$merge", field="whenNotMatched", actual=alias(given), expected="type 'string'"
        )
    if given not in _WHEN_NOT_MATCHED:
        raise command_errors.NOT_ENUMERATED(value=given, field="$merge.whenNotMatched")
    return given


def _parse_let(
    let: Document | None, target: MergeTarget, surroundings: Surroundings
) -> tuple[tuple[str, Expression], ...]:
    """The variables of the pipeline of `whenMatched`; `$$new`, the document itself, where nothing else is said.

    errors   MERGE_LET_MODE, MERGE_LET_NEW, name errors, those of the expressions
    """
    if target.when_matched != PIPELINE:
        if let is not None:
            raise errors.MERGE_LET_MODE(matched=target.when_matched)
        return ()
    if let is None:
        let = _NEW
    elif "new" in let and let["new"] != "$$ROOT":
        raise errors.MERGE_LET_NEW()
    elif target.when_not_matched == "insert":
        let = {**let, **_NEW}
    bindings = []
    for name, given in let.items():
        check_write_name(name)
        bindings.append((name, surroundings.parse(given)))
    return tuple(bindings)

"""A pipeline: parsed as a whole, then bound as a whole, then run lazily over an iterable of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages import NOT_YET, STAGES
from amongo.aggregate.stages.limit import Limit
from amongo.aggregate.stages.match import Match
from amongo.aggregate.stages.positions import ANYWHERE, POSITIONS, Position
from amongo.aggregate.stages.skip import Skip
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Scope
from amongo.mql.expressions.chance import RANDOM
from amongo.mql.matcher import searches

MAX_STAGES: Final = 1000  # manual, Aggregation Pipeline Limits
MAX_DEPTH: Final = 20  # server: nested sub-pipelines


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A parsed pipeline. It holds no state of a run; every `run` is independent.

    names     the stages as they were written
    stages    the parsed stages, one for each name
    """

    names: tuple[str, ...]
    stages: tuple[Stage, ...]
    _runs: tuple[Run, ...] = field(repr=False, compare=False)

    @property
    def makes_documents(self) -> bool:
        """Whether the first stage is a source of its own, so that no collection needs to be read."""
        return bool(self.names) and self.names[0] in ("$documents",)

    def run(self, source: Iterable[Document], environment: Environment) -> Iterator[Document]:
        """The documents that come out, lazily.

        source        the documents that go in; they are not changed
        environment   see `Environment`; `environment.interrupt` ends a run between documents
        errors        whatever a stage or an expression raises for a document, MEMORY_EXCEEDED
        """
        if RANDOM not in environment.variables:
            environment = environment.with_variables({RANDOM: environment.random})
        documents: Iterable[Document] = environment.interrupt.watch(source)
        for run in self._runs:
            documents = run(documents, environment)
        return iter(documents)

    def leading_match(self) -> tuple[Match | None, Pipeline]:
        """Split off a $match at the start, for the planner: it and the rest of the pipeline."""
        if self.stages and isinstance(self.stages[0], Match):
            return self.stages[0], self.after(1)
        return None, self

    def leading_sort(self) -> tuple[Sort | None, Pipeline]:
        """Split off a $sort at the start (of what `leading_match` left): it and the rest."""
        if self.stages and isinstance(self.stages[0], Sort):
            return self.stages[0], self.after(1)
        return None, self

    def leading_window(self) -> tuple[int, int | None, Pipeline]:
        """Split off $skip and $limit stages at the start: (how many to skip, how many to give or None, the rest)."""
        skip, limit, count = 0, None, 0
        for stage in self.stages:
            if isinstance(stage, Skip):
                skip += stage.count
                limit = None if limit is None else max(limit - stage.count, 0)
            elif isinstance(stage, Limit):
                limit = stage.count if limit is None else min(limit, stage.count)
            else:
                break
            count += 1
        return skip, limit, self.after(count)

    def only(self, place: int) -> Pipeline:
        """The pipeline of one of its stages."""
        return Pipeline(self.names[place : place + 1], self.stages[place : place + 1], self._runs[place : place + 1])

    def after(self, count: int) -> Pipeline:
        """The pipeline without its first `count` stages."""
        return Pipeline(self.names[count:], self.stages[count:], self._runs[count:]) if count else self


def parse_pipeline(
    stages: Any,
    *,
    variables: Mapping[str, Any] | frozenset[str] = frozenset(),
    collator: Callable[[str], bytes] | None = None,
    has_collection: bool = True,
    namespace: str = "",
) -> Pipeline:
    """Parse and check a whole pipeline.

    stages           a list of `{$name: specification}`
    variables        the user variables in scope (names, or a mapping whose keys they are)
    collator         the key of a string under the command's collation; None compares bytes
    has_collection   False for a database aggregate (`aggregate: 1`)
    namespace        what it runs on, where that is known: some stages run on few namespaces
    errors           PIPELINE_NOT_ARRAY, STAGE_NOT_OBJECT, STAGE_FIELD_COUNT, UNKNOWN_STAGE, STAGE_NOT_YET,
                     PIPELINE_TOO_LONG, PIPELINE_TOO_DEEP, the position errors, those of each stage
    source           manual, Aggregation Stages; Aggregation Pipeline Limits
    """
    scope = Scope(frozenset(variables), collator=collator)
    return parse_inside(stages, Surroundings(parse_inside, scope, (), has_collection, namespace))


def parse_inside(specs: Any, surroundings: Surroundings) -> Pipeline:
    """Parse a pipeline, or a sub-pipeline, in its surroundings; see `parse_pipeline`."""
    if type(specs) is not list:
        raise errors.PIPELINE_NOT_ARRAY()
    if len(surroundings.containers) > MAX_DEPTH:
        raise errors.PIPELINE_TOO_DEEP(limit=MAX_DEPTH)
    if len(specs) > MAX_STAGES:
        raise errors.PIPELINE_TOO_LONG(limit=MAX_STAGES)
    names, stages = [], []
    for spec in specs:
        if type(spec) is not dict:
            raise errors.STAGE_NOT_OBJECT()
        if len(spec) != 1:
            raise errors.STAGE_FIELD_COUNT()
        ((name, specification),) = spec.items()
        names.append(name)
        stages.append(_parse_stage(name, specification, surroundings))
    _check_positions(names, surroundings)
    _check_searches(stages, surroundings)
    coalesced = _sort_for_limits(stages)
    return Pipeline(tuple(names), tuple(coalesced), tuple(stage.bind() for stage in coalesced))


def _check_searches(stages: list[Stage], surroundings: Surroundings) -> None:
    """Refuse `$text` but in a $match at the start of a pipeline on a collection.

    errors   SEARCH_NOT_FIRST, STAGE_NOT_YET in sub-pipelines
    """
    for place, stage in enumerate(stages):
        if isinstance(stage, Match) and any(True for _ in searches(stage.filter)):
            if place:
                raise errors.SEARCH_NOT_FIRST()
            if surroundings.containers:
                raise errors.STAGE_NOT_YET(name="$match with $text", reason="sub-pipelines do not search texts yet")


def _parse_stage(name: str, specification: Any, surroundings: Surroundings) -> Stage:
    parse = STAGES.get(name)
    if parse is not None:
        return parse(specification, surroundings)
    if name in NOT_YET:
        _check_positions([name], surroundings)
        raise errors.STAGE_NOT_YET(name=name, reason=NOT_YET[name])
    raise errors.UNKNOWN_STAGE(name=name)


def _check_positions(names: list[str], surroundings: Surroundings) -> None:
    """Refuse stages where they may not stand.

    errors   NEEDS_COLLECTION, NEEDS_NO_COLLECTION, NOT_IN_FACET, NOT_IN_LOOKUP, NOT_IN_UNION, ONLY_FIRST, ONLY_LAST,
             and errors of single stages inside sub-pipelines
    """
    for index, name in enumerate(names):
        position = POSITIONS.get(name, ANYWHERE)
        if index == 0 and surroundings.container != "$facet":
            _check_collection(name, position, surroundings)
        _check_container(name, position, surroundings)
        if position.first and index:
            raise errors.ONLY_FIRST(name=name)
        if position.last and index != len(names) - 1:
            raise errors.ONLY_LAST(name=name)


def _check_collection(name: str, position: Position, surroundings: Surroundings) -> None:
    if position.needs_collection is True and not surroundings.has_collection:
        raise errors.NEEDS_COLLECTION(name=name)
    if position.needs_collection is False and surroundings.has_collection:
        raise errors.NEEDS_NO_COLLECTION(name=name)


def _check_container(name: str, position: Position, surroundings: Surroundings) -> None:
    container = surroundings.container
    if "$facet" in surroundings.containers and not position.in_facet:
        raise errors.NOT_IN_FACET(name=name)
    if container and position.nested is not None:
        raise position.nested(name=name)
    if container == "$lookup" and not position.in_lookup:
        raise errors.NOT_IN_LOOKUP(name=name)
    if container == "$unionWith" and not position.in_union:
        raise errors.NOT_IN_UNION(name=name)


def _sort_for_limits(stages: list[Stage]) -> list[Stage]:
    """Tell each $sort how many documents the $skip and $limit stages behind it can let through (top-k)."""
    result = list(stages)
    for index, stage in enumerate(stages):
        if not isinstance(stage, Sort):
            continue
        skipped = 0
        for behind in stages[index + 1 :]:
            if isinstance(behind, Skip):
                skipped += behind.count
            elif isinstance(behind, Limit):
                result[index] = stage.keeping(skipped + behind.count)
                break
            else:
                break
    return result

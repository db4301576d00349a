"""A pipeline: parsed as a whole, then bound as a whole, then run lazily over an iterable of documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.output import MergeTarget, OutTarget
from amongo.aggregate.plan import Steps, needed_fields, rewrite, steps_of
from amongo.aggregate.stages import NOT_YET, STAGES
from amongo.aggregate.stages.change_stream import ChangeStream, SplitLargeEvent
from amongo.aggregate.stages.handed_on import hand_on
from amongo.aggregate.stages.in_parts import run_in_parts
from amongo.aggregate.stages.limit import Limit
from amongo.aggregate.stages.lookup import Lookup
from amongo.aggregate.stages.match import Match
from amongo.aggregate.stages.merge import Merge
from amongo.aggregate.stages.out import Out
from amongo.aggregate.stages.positions import ANYWHERE, IN_CHANGE_STREAM, POSITIONS, Position
from amongo.aggregate.stages.skip import Skip
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.aggregate.stages.unwind import Unwind
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Scope
from amongo.mql.expressions.chance import RANDOM
from amongo.mql.matcher import searches
from amongo.runtime.limits import CHAINED_STAGES

MAX_STAGES: Final = 1000  # manual, Aggregation Pipeline Limits
MAX_DEPTH: Final = 20  # server: nested sub-pipelines


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A parsed pipeline. It holds no state of a run; every `run` is independent.

    steps         the stages as they were written, or as the passes have left them
    stages        the parsed stages, one for each step
    passes        names of the passes that have changed something
    _surroundings where it stands, to parse what the passes have written
    """

    steps: Steps
    stages: tuple[Stage, ...]
    _runs: tuple[Run, ...] = field(repr=False, compare=False)
    _surroundings: Surroundings = field(repr=False, compare=False)
    passes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the stages."""
        return tuple(step.name for step in self.steps)

    @property
    def collator(self) -> Callable[[str], bytes] | None:
        """The key of a string under its collation; None where strings compare by their bytes."""
        return self._surroundings.scope.collator

    @property
    def change_stream(self) -> ChangeStream | None:
        """The first stage, where it is $changeStream."""
        first = self.stages[0] if self.stages else None
        return first if isinstance(first, ChangeStream) else None

    def within_change_stream(self) -> tuple[Pipeline, bool]:
        """(the stages that the events of a change stream go through, whether large ones are split behind them)."""
        is_split = isinstance(self.stages[-1], SplitLargeEvent)
        return self._between(1, len(self.steps) - is_split), is_split

    @property
    def makes_documents(self) -> bool:
        """Whether the first stage is a source of its own, so that no collection needs to be read."""
        return bool(self.names) and self.names[0] in ("$documents",)

    @property
    def output(self) -> MergeTarget | OutTarget | None:
        """Where the last stage writes to; None for a pipeline that gives documents."""
        last = self.stages[-1] if self.stages else None
        return last.target if isinstance(last, Merge | Out) else None

    @property
    def tells_of_node(self) -> bool:
        """Whether the first stage asks the node, so that no collection needs to be read."""
        return bool(self.stages) and isinstance(self.stages[0], Telling)

    def run(
        self, source: Iterable[Document], environment: Environment, *, is_watched: bool = False
    ) -> Iterator[Document]:
        """The documents that come out, lazily.

        source        the documents that go in; they are not changed
        environment   see `Environment`; `environment.interrupt` ends a run between documents
        is_watched    the source itself looks at the interrupt, often enough
        errors        whatever a stage or an expression raises for a document, MEMORY_EXCEEDED
        """
        if RANDOM not in environment.variables:
            environment = environment.with_variables({RANDOM: environment.random})
        documents = source if is_watched else environment.interrupt.watch(source)
        if len(self._runs) > CHAINED_STAGES:
            return run_in_parts(self._runs, self.names, documents, environment)
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
        return self._between(place, place + 1)

    def before(self, count: int) -> Pipeline:
        """The first `count` stages of the pipeline."""
        return self._between(0, count)

    def after(self, count: int) -> Pipeline:
        """The pipeline without its first `count` stages."""
        return self._between(count, len(self.steps)) if count else self

    def _between(self, start: int, stop: int) -> Pipeline:
        steps, stages, runs = self.steps[start:stop], self.stages[start:stop], self._runs[start:stop]
        return Pipeline(steps, stages, runs, self._surroundings, self.passes)

    @property
    def needed_fields(self) -> frozenset[str] | None:
        """The top-level fields that it needs of the documents that go in; None for all."""
        return needed_fields(self.steps)

    def optimized(self, without: Collection[str] = ()) -> Pipeline:
        """The pipeline as the passes rewrite it: it gives the same documents in the same order.

        without   names of passes that are left out
        """
        steps, passes = rewrite(self.steps, without)
        inside: list[str] = []

        def rewritten(pipeline: Pipeline) -> Pipeline:
            optimized = pipeline.optimized(without)
            inside.extend(optimized.passes)
            return optimized

        known = {(step.name, id(step.spec)): place for place, step in enumerate(self.steps)}
        stages, runs = [], []
        for step in steps:
            place = known.get((step.name, id(step.spec)))
            parsed = _parse_stage(step.name, step.spec, self._surroundings) if place is None else self.stages[place]
            stage = parsed.rewritten(rewritten)
            if step.keep is not None and isinstance(stage, Sort):
                stage = stage.keeping(step.keep)
            if step.unwinds is not None and isinstance(stage, Lookup):
                unwind = _parse_stage("$unwind", step.unwinds, self._surroundings)
                assert isinstance(unwind, Unwind)
                stage = stage.unwound(unwind)
            stages.append(stage)
            is_same = place is not None and stage is self.stages[place]
            runs.append(self._runs[place] if place is not None and is_same else stage.bind())
        if not passes and not inside:
            return self
        passes = tuple(dict.fromkeys((*passes, *inside)))
        return Pipeline(steps, tuple(stages), tuple(runs), self._surroundings, passes)


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
    scope = Scope(frozenset(variables), "CURRENT" in variables, collator=collator)
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
    if not surroundings.containers and surroundings.has_collection:
        stages = hand_on(specs, stages)
    return Pipeline(steps_of(specs), tuple(stages), tuple(stage.bind() for stage in stages), surroundings)


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


def check_stage_names(specs: Sequence[Any]) -> None:
    """Refuse a pipeline in which something is no stage, without a look at what the stages say.

    errors   STAGE_NOT_OBJECT, STAGE_FIELD_COUNT, UNKNOWN_STAGE
    """
    for spec in specs:
        if type(spec) is not dict:
            raise errors.STAGE_NOT_OBJECT()
        if len(spec) != 1:
            raise errors.STAGE_FIELD_COUNT()
        (name,) = spec
        if name not in STAGES and name not in NOT_YET:
            raise errors.UNKNOWN_STAGE(name=name)


def _parse_stage(name: str, specification: Any, surroundings: Surroundings) -> Stage:
    parse = STAGES.get(name)
    if parse is not None:
        return parse(specification, surroundings)
    if name in NOT_YET:
        raise errors.STAGE_NOT_YET(name=name, reason=NOT_YET[name])
    raise errors.UNKNOWN_STAGE(name=name)


def _check_positions(names: list[str], surroundings: Surroundings) -> None:
    """Refuse stages where they may not stand.

    errors   NEEDS_COLLECTION, NEEDS_NO_COLLECTION, NOT_IN_FACET, NOT_IN_LOOKUP, NOT_IN_UNION, ONLY_FIRST, ONLY_LAST,
             NOT_IN_CHANGE_STREAM, ONLY_IN_CHANGE_STREAM, and errors of single stages inside sub-pipelines
    """
    for index, name in enumerate(names):
        position = POSITIONS.get(name, ANYWHERE)
        if index == 0 and surroundings.container != "$facet":
            _check_collection(name, position, surroundings)
        _check_container(name, position, surroundings)
        if position.first and index:
            raise (position.misplaced or errors.ONLY_FIRST)(name=name)
        if position.last and index != len(names) - 1:
            raise (position.misplaced or errors.ONLY_LAST)(name=name)
    _check_change_stream(names)


def _check_change_stream(names: list[str]) -> None:
    """Refuse what may not be in a change stream, and what may be in nothing else.

    errors   NOT_IN_CHANGE_STREAM, ONLY_IN_CHANGE_STREAM
    """
    if names and names[0] == "$changeStream":
        for name in names:
            if name not in IN_CHANGE_STREAM:
                raise errors.NOT_IN_CHANGE_STREAM(name=name)
    elif "$changeStreamSplitLargeEvent" in names:
        raise errors.ONLY_IN_CHANGE_STREAM(name="$changeStreamSplitLargeEvent")


def _check_collection(name: str, position: Position, surroundings: Surroundings) -> None:
    if position.needs_collection is True and not surroundings.has_collection:
        raise errors.NEEDS_COLLECTION(name=name)
    if position.needs_collection is False and surroundings.has_collection:
        raise errors.NEEDS_NO_COLLECTION(name=name)


def _check_container(name: str, position: Position, surroundings: Surroundings) -> None:
    container = surroundings.container
    if container == "$lookup" and not position.in_lookup:
        raise errors.NOT_IN_LOOKUP(name=name)
    if container == "$unionWith" and not position.in_union:
        raise errors.NOT_IN_UNION(name=name)
    if "$facet" in surroundings.containers and not position.in_facet:
        raise errors.NOT_IN_FACET(name=name)
    if container and position.nested is not None:
        raise position.nested(name=name)

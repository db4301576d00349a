"""What a stage is: a frozen object, parsed once, which binds to a generator function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from amongo.aggregate.environment import Document, Environment
from amongo.mql.expressions import Expression, Scope, parse_in

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

Run = Callable[[Iterable[Document], Environment], Iterator[Document]]
Rewrite = Callable[["Pipeline"], "Pipeline"]


class Stage(ABC):
    """One step of a pipeline. `bind` does what can be done before the first document and gives the generator."""

    __slots__ = ()

    @abstractmethod
    def bind(self) -> Run:
        """The stage as `(documents, environment) -> documents`.

        errors   those of constant parts, for example a constant division by zero
        """

    def rewritten(self, rewrite: Rewrite) -> Stage:
        """The stage with its sub-pipelines rewritten; the very same if none has changed."""
        return self


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a stage stands while it is parsed.

    scope            variables and collation for its expressions
    parse_pipeline   how a sub-pipeline is parsed: (stages, surroundings) -> Pipeline
    containers       the stages around this pipeline, outermost first; empty at the top
    has_collection   False for a pipeline without one: a database aggregate, or a $lookup without `from`
    namespace        "database.collection" of the outermost pipeline; "" where it is not known yet
    """

    parse_pipeline: Callable[[Any, Surroundings], Pipeline]
    scope: Scope = field(default_factory=Scope)
    containers: tuple[str, ...] = ()
    has_collection: bool = True
    namespace: str = ""

    @property
    def database(self) -> str:
        """The database of the outermost pipeline."""
        return self.namespace.partition(".")[0]

    @property
    def container(self) -> str:
        """The stage directly around this pipeline, "" at the top."""
        return self.containers[-1] if self.containers else ""

    def parse(self, spec: Any) -> Expression:
        """Parse an expression of the stage."""
        return parse_in(spec, self.scope)

    def inside(self, container: str, *, scope: Scope | None = None, has_collection: bool = True) -> Surroundings:
        """The surroundings of a sub-pipeline of `container`."""
        return replace(
            self,
            containers=(*self.containers, container),
            scope=scope or self.scope,
            has_collection=has_collection,
        )

"""Stages whose documents come from the node and not from a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.node import Node
from amongo.aggregate.stages.stage import Run, Stage

Ask = Callable[[Node, Environment], Iterable[Document]]


@dataclass(frozen=True, slots=True)
class Telling(Stage):
    """What the node tells, asked once; what comes in is not looked at.

    ask   what is asked of the node
    """

    ask: Ask

    def bind(self) -> Run:
        ask = self.ask

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            node = environment.node
            return iter(()) if node is None else iter(ask(node, environment))

        return run


NOTHING = Telling(lambda node, environment: ())
"""A stage that tells of what a node like this never has."""

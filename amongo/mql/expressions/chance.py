"""Values that are new for each document: $rand, $createObjectId."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from bson import ObjectId

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Variables
from amongo.mql.expressions.registry import form
from amongo.mql.expressions.scope import Scope

RANDOM: Final = " random"
"""The name under which the variables of a run hold its `random.Random`; no user can write it."""

_UNSEEDED: Final = Random()


@dataclass(frozen=True, slots=True)
class Rand(Expression):
    """A double in [0, 1)."""

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        def draw(document: Document, variables: Variables) -> float:
            source: Random = variables.get(RANDOM, _UNSEEDED)
            return source.random()

        return draw


@form("$rand")
def parse_rand(operand: Any, scope: Scope) -> Expression:
    """A random number.

    args     {}
    result   double, from 0 to below 1
    errors   RAND_NEEDS_OBJECT, RAND_TAKES_NOTHING
    source   manual, $rand
    """
    if type(operand) not in (dict, list):
        raise errors.RAND_NEEDS_OBJECT()
    if operand:
        raise errors.RAND_TAKES_NOTHING()
    return Rand()


@dataclass(frozen=True, slots=True)
class NewObjectId(Expression):
    """An ObjectId that has not been there before."""

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        return lambda document, variables: ObjectId()


@form("$createObjectId")
def parse_create_object_id(operand: Any, scope: Scope) -> Expression:
    """A new ObjectId.

    args     {}
    result   objectId, another one each time
    errors   CREATE_OBJECT_ID_TAKES_NOTHING
    source   manual, $createObjectId
    """
    if type(operand) is not dict or operand:
        raise errors.CREATE_OBJECT_ID_TAKES_NOTHING()
    return NewObjectId()

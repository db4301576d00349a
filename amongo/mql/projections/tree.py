"""What a projection says of one path: shown, hidden, computed, or more to say further down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from amongo.errors import query as errors
from amongo.mql.expressions import Expression

Document = dict[str, Any]
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Shown:
    """The field is included (`{a: 1}`)."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """The field is excluded (`{a: 0}`)."""


@dataclass(frozen=True, slots=True)
class Computed:
    """The field takes the value of a closure over the document; MISSING leaves it out.

    expression   what it computes; None for what is no expression
    """

    evaluate: Callable[[Document], Any]
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """The field takes what the query knows of the document beside it (`{a: {$meta: "recordId"}}`)."""

    keyword: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The array is cut: `skip` elements from the front (from the end if negative), then `limit` of them.

    skip    None: `limit` elements from the front, or from the end if it is negative
    """

    skip: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class Positional:
    """The first array on the path is cut to the element that the filter matched."""


@dataclass(slots=True)
class Branch:
    """A document whose fields are spoken of; filled while the projection is parsed."""

    children: dict[str, Node] = field(default_factory=dict)

    def place(self, path: tuple[str, ...], node: Node) -> None:
        """Put a node at a path below this branch.

        errors   PATH_COLLISION, PATH_COLLISION_REMAINING
        """
        branch = self
        for depth, name in enumerate(path[:-1]):
            child = branch.children.setdefault(name, Branch())
            if type(child) is not Branch:
                raise errors.PATH_COLLISION_REMAINING(path=".".join(path), rest=".".join(path[depth + 1 :]))
            branch = child
        if path[-1] in branch.children:
            raise errors.PATH_COLLISION(path=".".join(path))
        branch.children[path[-1]] = node


Node: TypeAlias = Shown | Hidden | Computed | Meta | Slice | Positional | Branch

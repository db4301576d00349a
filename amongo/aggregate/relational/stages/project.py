"""$project and $unset.

Where all fields of the documents are known, the projection is done to them. Otherwise it is only noted: values are
found through it, and it is done to the documents that come out, because nobody knows the order of their fields before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.inside import Below, Cut, Inside, Names, WrittenInside
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.scope import Scope, of_fields
from amongo.aggregate.relational.steps import Chosen, Step, Tree, Written
from amongo.aggregate.relational.values import NOTHING, NotLowered, Value
from amongo.aggregate.stages.project import Project
from amongo.mql.projections.projection import Projection
from amongo.mql.projections.tree import Branch, Computed, Hidden, Shown
from amongo.values.types import BsonType

_NESTED = frozenset({int(BsonType.OBJECT), int(BsonType.ARRAY)})


@reads(Project)
def read_project(stage: Project, reading: Reading) -> None:
    """What is computed; the fields that were given other values are no longer those of the collection."""
    _read(stage.projection.root, reading)
    for name, node in stage.projection.root.children.items():
        if not isinstance(node, Shown):
            reading.set_names.add(name)


def _read(branch: Branch, reading: Reading) -> None:
    for node in branch.children.values():
        if isinstance(node, Branch):
            _read(node, reading)
        elif isinstance(node, Computed) and node.expression is not None:
            reading.expression(node.expression)


@lowers_stage(Project)
def lower_project(stage: Project, frame: Frame, lowering: Lowering) -> Frame:
    """The documents as the projection shows them."""
    projection = stage.projection
    if projection.slices or projection.is_positional or projection.keywords:
        raise NotLowered("a projection of metadata or of a part of an array")
    scope = Scope(frame, lowering)
    computed = _computed(projection.root, scope)
    if scope.frame.is_known:
        fields = _projected(scope.frame.fields, projection.root, projection.is_inclusion)
        if fields is not None and all(isinstance(each, Value) for each in computed.values()):
            return scope.frame.built({**fields, **computed})  # type: ignore[dict-item]
    noted = _noted(projection, computed, scope)
    if noted.held and noted.names is not None:
        after = Scope(noted, lowering)
        return noted.built({name: after.located((name,)) for name in noted.names})
    return noted


def _computed(branch: Branch, scope: Scope) -> Tree:
    """The values of what is computed."""
    tree: dict[str, Value | Tree] = {}
    for name, node in branch.children.items():
        if isinstance(node, Computed):
            if node.expression is None:
                raise NotLowered("a projection of a part of an array")
            tree[name] = scope.value(node.expression.fold())
        elif isinstance(node, Branch) and (below := _computed(node, scope)):
            tree[name] = below
        elif not isinstance(node, Shown | Hidden | Branch):
            raise NotLowered("a projection of metadata or of a part of an array")
    return tree


def _projected(fields: Mapping[str, Value], branch: Branch, is_inclusion: bool) -> dict[str, Value] | None:
    """What is left of known fields; None where that cannot be told of a field."""
    result = {}
    for name, value in fields.items():
        node = branch.children.get(name)
        if isinstance(node, Branch):
            if value.fields is not None:
                below = _projected(value.fields, node, is_inclusion)
                if below is None:
                    return None
                result[name] = of_fields(below)
            elif value.kinds & _NESTED or _computes(node):
                return None
            elif not is_inclusion:
                result[name] = value
        elif isinstance(node, Shown) if is_inclusion else node is None:
            result[name] = value
    return result


def _computes(branch: Branch) -> bool:
    return any(
        isinstance(node, Computed) or (isinstance(node, Branch) and _computes(node))
        for node in branch.children.values()
    )


def _noted(projection: Projection, computed: Tree, scope: Scope) -> Frame:
    """The projection as a step."""
    before = scope.inside
    root = Cut(before, names_of(projection.root, is_inclusion=projection.is_inclusion), projection.is_inclusion)
    steps: tuple[Step, ...] = (Chosen(projection.choose),)
    if computed:
        steps += (Written(computed),)
    fields, inner = written(computed, root, before)
    noted = replace(scope.frame.stepped(*steps, fields=fields, inner=inner), root=root)
    names = [name for name, node in projection.root.children.items() if isinstance(node, Shown | Branch)]
    is_flat = not inner and all(isinstance(projection.root.children[name], Shown) for name in names)
    if not projection.is_inclusion or not is_flat or len(names) > 1:
        return noted
    return replace(noted, names=(*names, *fields))


def written(computed: Tree, outer: Inside, stored: Inside) -> tuple[dict[str, Value], dict[str, Inside]]:
    """What is known of documents in which fields were given values: (values, what is inside others).

    outer    what was there before
    stored   the same, with what a projection has left out
    """
    fields: dict[str, Value] = {}
    inner: dict[str, Inside] = {}
    for name, value in computed.items():
        if isinstance(value, Value):
            fields[name] = value
        else:
            inner[name] = WrittenInside(Below(outer, (name,)), Below(stored, (name,)), value)
    return fields, inner


def names_of(branch: Branch, *, is_inclusion: bool) -> Names:
    """The fields that a projection names."""
    names: dict[str, Names | None] = {}
    for name, node in branch.children.items():
        if isinstance(node, Branch):
            names[name] = names_of(node, is_inclusion=is_inclusion)
        elif isinstance(node, Shown if is_inclusion else Hidden):
            names[name] = None
    return names


def set_in(fields: Mapping[str, Value], tree: Tree) -> dict[str, Value] | None:
    """Known fields with the values of a tree; None where the place of a field, or what it is, cannot be told."""
    result = dict(fields)
    for name, value in tree.items():
        old = result.get(name, NOTHING)
        if isinstance(value, Value):
            if old is not NOTHING and BsonType.MISSING in old.kinds:
                return None
            result[name] = value
            continue
        if old.fields is None and (old.kinds & _NESTED or (old is not NOTHING and BsonType.MISSING in old.kinds)):
            return None
        below = set_in(old.fields or {}, value)
        if below is None:
            return None
        result[name] = of_fields({inner: each for inner, each in below.items() if each is not NOTHING})
    return {name: value for name, value in result.items() if value is not NOTHING}

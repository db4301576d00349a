"""A projection ready to run: closures over one document.

It runs in three steps: choose fields, compute fields, cut arrays. Chosen fields keep the document's order; computed
ones replace what is there or follow in the order of the projection. Arrays on a path are entered, at any depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from amongo.errors import query as errors
from amongo.mql.metadata import CARRIED, metadata_field
from amongo.mql.projections.tree import Branch, Computed, Document, Hidden, Meta, Positional, Slice
from amongo.values.missing import MISSING

Metadata = Mapping[str, Any]
"""What a query knows of a document beside it: keyword of `$meta` -> value."""
Choose = Callable[[Document], Document]
Compute = Callable[[Document, Document, Metadata], None]
"""Add to the second document, the result so far, what is computed from the first and its metadata."""

NO_METADATA: Final[Metadata] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Projection:
    """A parsed projection.

    is_inclusion    fields not named are left out; otherwise they are kept
    root            what it says of each field
    is_positional   it holds `a.$`: `apply` needs the array position that the filter matched at
    keywords        of `$meta`: `apply` needs the metadata of these names
    """

    is_inclusion: bool
    root: Branch = field(compare=False)
    choose: Choose
    compute: Compute | None
    slices: tuple[tuple[tuple[str, ...], Slice], ...]
    positional: tuple[str, ...] | None
    keywords: frozenset[str] = frozenset()

    @property
    def is_positional(self) -> bool:
        """Whether `apply` needs `array_index`."""
        return self.positional is not None

    def apply(self, document: Document, array_index: int | None = None, metadata: Metadata = NO_METADATA) -> Document:
        """The document as the projection shows it; the input stays as it is.

        array_index   what `array_match_index` says of the filter and this document
        metadata      what there is of `keywords`; a field whose metadata is not there is left out
        errors        POSITIONAL_NO_MATCH, POSITIONAL_MISMATCH, and those of expressions
        order         chosen fields as in the document, then computed ones as in the projection
        """
        result = self.choose(document)
        if self.compute is not None:
            self.compute(_with_metadata(document, metadata) if metadata else document, result, metadata)
        for path, cut in self.slices:
            result = _sliced(result, path, cut)
        if self.positional is not None:
            result = _at_position(document, result, self.positional, array_index)
        return result


def _with_metadata(document: Document, metadata: Metadata) -> Document:
    """The document with its metadata, as expressions look for it."""
    return document | {metadata_field(keyword): metadata[keyword] for keyword in metadata.keys() & CARRIED.keys()}


def build(root: Branch, is_inclusion: bool) -> Projection:
    """Compile the parsed tree."""
    choose = _inclusion(root) if is_inclusion else _exclusion(root)
    found = list(_cuts(root, ()))
    positional = [path for path, node in found if type(node) is Positional]
    slices = tuple((path, node) for path, node in found if type(node) is Slice)
    keywords = frozenset(_keywords(root))
    compute, position = _computation(root), positional[0] if positional else None
    return Projection(is_inclusion, root, choose, compute, slices, position, keywords)


def _keywords(branch: Branch) -> Iterator[str]:
    for node in branch.children.values():
        if type(node) is Branch:
            yield from _keywords(node)
        elif type(node) is Meta:
            yield node.keyword


def _cuts(branch: Branch, parents: tuple[str, ...]) -> list[tuple[tuple[str, ...], Slice | Positional]]:
    found: list[tuple[tuple[str, ...], Slice | Positional]] = []
    for name, node in branch.children.items():
        if type(node) is Branch:
            found.extend(_cuts(node, (*parents, name)))
        elif type(node) is Slice or type(node) is Positional:
            found.append(((*parents, name), node))
    return found


# Choosing


def _inclusion(branch: Branch) -> Choose:
    """Keep the named fields. A path into a scalar gives nothing; into an array, what its documents give.

    Where something is computed further down, a scalar leaves MISSING in its place for `_computation` to fill.
    """
    whole = frozenset(
        name for name, node in branch.children.items() if type(node) not in (Hidden, Computed, Meta, Branch)
    )
    partial = {name: _inclusion(node) for name, node in branch.children.items() if type(node) is Branch}
    if not partial:
        return lambda document: {name: value for name, value in document.items() if name in whole}

    computed = {name for name in partial if _computation(branch.children[name]) is not None}  # type: ignore[arg-type]

    def value_of(value: Any, choose: Choose, keeps_places: bool) -> Any:
        kind = type(value)
        if kind is dict:
            return choose(value)
        if kind is list:
            chosen = [value_of(element, choose, keeps_places) for element in value]
            return chosen if keeps_places else [each for each in chosen if each is not MISSING]
        return MISSING

    def include(document: Document) -> Document:
        result = {}
        for name, value in document.items():
            if name in whole:
                result[name] = value
            elif name in partial:
                keeps_place = name in computed
                chosen = value_of(value, partial[name], keeps_place)
                if keeps_place or chosen is not MISSING:
                    result[name] = chosen
        return result

    return include


def _exclusion(branch: Branch) -> Choose:
    """Leave out the named fields. A path into a scalar changes nothing; into an array, all its documents."""
    hidden = frozenset(name for name, node in branch.children.items() if type(node) is Hidden)
    partial = {name: _exclusion(node) for name, node in branch.children.items() if type(node) is Branch}
    if not partial:
        return lambda document: {name: value for name, value in document.items() if name not in hidden}

    def value_of(value: Any, choose: Choose) -> Any:
        kind = type(value)
        if kind is dict:
            return choose(value)
        if kind is list:
            return [value_of(element, choose) for element in value]
        return value

    def exclude(document: Document) -> Document:
        return {
            name: value_of(value, partial[name]) if name in partial else value
            for name, value in document.items()
            if name not in hidden
        }

    return exclude


# Computing


def _computation(branch: Branch) -> Compute | None:
    """What this branch and those below it compute; None for nothing."""
    steps: list[tuple[str, Callable[[Document, Metadata], Any] | None, Compute | None]] = []
    for name, node in branch.children.items():
        if type(node) is Computed:
            steps.append((name, _evaluation(node), None))
        elif type(node) is Meta:
            steps.append((name, _reading(node), None))
        elif type(node) is Branch and (below := _computation(node)) is not None:
            steps.append((name, None, below))
    if not steps:
        return None

    def compute(document: Document, result: Document, metadata: Metadata) -> None:
        for name, evaluate, below in steps:
            if below is not None:
                result[name] = _computed_below(document, result.get(name), below, metadata)
                continue
            assert evaluate is not None
            value = evaluate(document, metadata)
            if value is not MISSING:
                result[name] = value
            else:
                result.pop(name, None)

    return compute


def _evaluation(node: Computed) -> Callable[[Document, Metadata], Any]:
    evaluate = node.evaluate
    return lambda document, metadata: evaluate(document)


def _reading(node: Meta) -> Callable[[Document, Metadata], Any]:
    keyword = node.keyword
    return lambda document, metadata: metadata.get(keyword, MISSING)


def _computed_below(document: Document, value: Any, compute: Compute, metadata: Metadata) -> Any:
    """A value with fields computed inside it: every document of an array gets them, anything else is replaced."""
    if type(value) is list:
        return [_computed_below(document, element, compute, metadata) for element in value]
    inner = dict(value) if type(value) is dict else {}
    compute(document, inner, metadata)
    return inner


# Cutting arrays


def _sliced(value: Any, path: tuple[str, ...], cut: Slice) -> Any:
    """The value with the arrays at the path cut; nothing is copied that stays as it is."""
    kind = type(value)
    if not path:
        return _slice(value, cut) if kind is list else value
    if kind is list:
        return [_sliced(element, path, cut) if type(element) is dict else element for element in value]
    if kind is not dict or path[0] not in value:
        return value
    return {**value, path[0]: _sliced(value[path[0]], path[1:], cut)}


def _slice(array: list[Any], cut: Slice) -> list[Any]:
    if cut.skip is None:
        return array[: cut.limit] if cut.limit >= 0 else array[cut.limit :]
    start = cut.skip if cut.skip >= 0 else max(0, len(array) + cut.skip)
    return array[start : start + cut.limit]


def _at_position(document: Document, result: Any, path: tuple[str, ...], index: int | None) -> Any:
    """The result with the first array on the path replaced by the one element that the filter matched.

    errors   POSITIONAL_NO_MATCH, POSITIONAL_MISMATCH
    """
    name, rest = path[0], path[1:]
    value = document.get(name)
    if type(value) is list:
        if index is None:
            raise errors.POSITIONAL_NO_MATCH()
        if index >= len(value):
            raise errors.POSITIONAL_MISMATCH()
        return {**result, name: [value[index]]}
    if type(value) is dict and rest:
        return {**result, name: _at_position(value, result.get(name, {}), rest, index)}
    return result

"""What a stage does to documents, as far as the passes have to know: one entry for each stage.

A stage that is not in `EFFECTS` is not understood: nothing moves past it, and it reads whole documents. A test compares
the table with the registry, so that every stage is named either here or in `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.aggregate.plan.reading import (
    WHOLE,
    Fields,
    expression_fields,
    filter_fields,
    first_part,
    is_total,
    union,
)
from amongo.aggregate.plan.steps import Step, steps_of
from amongo.mql.expressions.truth import is_true
from amongo.values.types import is_number

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one stage does.

    reads        fields of a document that it needs for its own work
    is_new       its documents are made of what it reads alone; otherwise they are those that came in, apart from
                 `writes`
    writes       fields that are not what they were, when it is not new
    copies       fields that hold exactly what a field held before: new name -> old name
    is_filter    whether a filter on untouched fields may as well be asked before it: each document that comes out is
                 made of one that came in, and whether others came in does not matter to it
    is_for_each  one document comes out for each that comes in, in the same order
    is_total     it never fails
    """

    reads: Fields = WHOLE
    is_new: bool = False
    writes: Fields = WHOLE
    copies: dict[str, str] = field(default_factory=dict)
    is_filter: bool = False
    is_for_each: bool = False
    is_total: bool = False

    def origin(self, name: str) -> str | None:
        """The field before the stage that holds what this field holds behind it; None if there is none."""
        if name in self.copies:
            return self.copies[name]
        if self.is_new or self.writes is None or name in self.writes:
            return None
        return name


def effect(step: Step) -> Effect:
    """What a stage does."""
    describe = EFFECTS.get(step.name)
    done = Effect() if describe is None else describe(step.spec)
    if step.unwinds is None:
        return done
    then = _unwind(step.unwinds)
    reads = then.reads if then.writes is None or done.writes is None else then.writes - done.writes
    return Effect(union(done.reads, reads), writes=union(done.writes, then.writes), is_filter=True)


def _untouched(spec: Any) -> Effect:
    return Effect(_NONE, writes=_NONE, is_total=True)


def _match(spec: Any) -> Effect:
    return Effect(filter_fields(spec), writes=_NONE)


def _sort(spec: Any) -> Effect:
    reads: Fields = frozenset(map(first_part, spec))
    if any(type(order) is dict for order in spec.values()):
        reads = WHOLE
    return Effect(reads, writes=_NONE, is_filter=True)


def _add_fields(spec: Any) -> Effect:
    copies = {name: value[1:] for name, value in spec.items() if "." not in name and _is_field(value)}
    writes = frozenset(map(first_part, spec))
    return Effect(
        expression_fields(spec),
        writes=writes,
        copies=copies,
        is_filter=True,
        is_for_each=True,
        is_total=is_total(list(spec.values())),
    )


def _project(spec: Any) -> Effect:
    if _is_exclusion(spec):
        return _unset([name for name, value in spec.items() if _leaf_kind(value) == "hides"])
    speaks_of_id = any(first_part(name) == "_id" for name in spec)
    copies = {} if speaks_of_id else {"_id": "_id"}
    for name, value in spec.items():
        if "." in name:
            continue
        if (type(value) is bool or is_number(value)) and is_true(value):
            copies[name] = name
        elif _is_field(value):
            copies[name] = value[1:]
    kept = {first_part(name) for name, value in spec.items() if "." in name or not _is_computed(value)}
    reads = union(expression_fields(spec), frozenset({"_id", *kept}))
    return Effect(reads, True, _NONE, copies, is_filter=True, is_for_each=True, is_total=_shows_totally(spec))


def _shows_totally(spec: Any) -> bool:
    """Whether no expression of a projection can fail; what is below a path is one too."""
    return all(is_total(value) for value in spec.values())


def _is_exclusion(spec: Any) -> bool:
    """Whether a projection says which fields go, and not which stay."""
    kinds = {_leaf_kind(value) for name, value in spec.items() if name != "_id"}
    if kinds:
        return kinds == {"hides"}
    return _leaf_kind(spec["_id"]) == "hides"


def _is_computed(value: Any) -> bool:
    """Whether a field of a projection takes the value of an expression, whatever it held."""
    if type(value) is dict:
        return bool(value) and next(iter(value)).startswith("$")
    return not (type(value) is bool or is_number(value))


def _leaf_kind(value: Any) -> str:
    if type(value) is bool or is_number(value):
        return "shows" if is_true(value) else "hides"
    if type(value) is dict and value and not next(iter(value)).startswith("$"):
        return _leaf_kind(next(iter(value.values())))
    return "shows"


def _unset(spec: Any) -> Effect:
    names = [spec] if type(spec) is str else spec
    writes = frozenset(map(first_part, names))
    return Effect(_NONE, writes=writes, is_filter=True, is_for_each=True, is_total=True)


def _unwind(spec: Any) -> Effect:
    path = spec if type(spec) is str else spec["path"]
    index = None if type(spec) is str else spec.get("includeArrayIndex")
    writes = {first_part(path[1:])} | ({first_part(index)} if index else set())
    return Effect(frozenset(writes), writes=frozenset(writes), is_filter=True, is_total=True)


def _lookup(spec: Any) -> Effect:
    reads = expression_fields(spec.get("let", {}))
    if spec.get("localField"):
        reads = union(reads, frozenset({first_part(spec["localField"])}))
    return Effect(reads, writes=frozenset({first_part(spec["as"])}), is_filter=True, is_for_each=True)


def _graph_lookup(spec: Any) -> Effect:
    reads = expression_fields(spec["startWith"])
    return Effect(reads, writes=frozenset({first_part(spec["as"])}), is_filter=True, is_for_each=True)


def _replace_with(spec: Any) -> Effect:
    if type(spec) is not dict or not spec or next(iter(spec)).startswith("$"):
        return Effect(WHOLE, True, _NONE)  # it may fail, and its error shows the document
    copies = {name: value[1:] for name, value in spec.items() if _is_field(value)}
    return Effect(expression_fields(spec), True, _NONE, copies, True, True, is_total(spec))


def _group(spec: Any) -> Effect:
    return Effect(expression_fields(spec), is_new=True, writes=_NONE)


def _bucket(spec: Any) -> Effect:
    return Effect(expression_fields(spec), is_new=True, writes=_NONE)


def _facet(spec: Any) -> Effect:
    return Effect(union(*(needed_fields(steps_of(stages)) for stages in spec.values())), is_new=True, writes=_NONE)


def _nothing_of_it(spec: Any) -> Effect:
    return Effect(_NONE, is_new=True, writes=_NONE, is_total=True)


def _union_with(spec: Any) -> Effect:
    return Effect(_NONE, writes=_NONE)


def _window_fields(spec: Any) -> Effect:
    return Effect(expression_fields(spec), writes=frozenset(map(first_part, spec.get("output", {}))))


def _is_field(value: Any) -> bool:
    """Whether an expression is one top-level field."""
    return type(value) is str and value.startswith("$") and not value.startswith("$$") and "." not in value


EFFECTS: Final[dict[str, Callable[[Any], Effect]]] = {
    "$addFields": _add_fields,
    "$bucket": _bucket,
    "$bucketAuto": _bucket,
    "$count": _nothing_of_it,
    "$facet": _facet,
    "$graphLookup": _graph_lookup,
    "$group": _group,
    "$limit": _untouched,
    "$lookup": _lookup,
    "$match": _match,
    "$project": _project,
    "$replaceRoot": lambda spec: _replace_with(spec["newRoot"]),
    "$replaceWith": _replace_with,
    "$sample": _untouched,
    "$set": _add_fields,
    "$setWindowFields": _window_fields,
    "$skip": _untouched,
    "$sort": _sort,
    "$sortByCount": _group,
    "$unionWith": _union_with,
    "$unset": _unset,
    "$unwind": _unwind,
}

UNKNOWN: Final = frozenset(
    {"$changeStream", "$changeStreamSplitLargeEvent", "$collStats", "$currentOp", "$densify", "$documents", "$fill"}
    | {"$geoNear", "$indexStats", "$listCatalog", "$listClusterCatalog", "$listLocalSessions", "$listSampledQueries"}
    | {"$listSearchIndexes", "$listSessions", "$merge", "$out", "$planCacheStats", "$querySettings", "$queryStats"}
    | {"$rankFusion", "$redact", "$score", "$scoreFusion", "$search", "$searchBeta", "$searchMeta"}
    | {"$shardedDataDistribution", "$vectorSearch"}
)
"""Stages that read whole documents and that nothing moves past: sources, writers, and those that look at all fields."""


def fields_read_by(steps: tuple[Step, ...]) -> Fields:
    """The fields that the stages look at, whatever becomes of the documents."""
    return union(*(effect(step).reads for step in steps))


def needed_fields(steps: tuple[Step, ...]) -> Fields:
    """The fields of the documents that come in which the stages, or who takes what comes out, can see."""
    needed: Fields = _NONE
    for step in steps:
        done = effect(step)
        needed = union(needed, done.reads)
        if needed is None or done.is_new:
            return needed
    return WHOLE

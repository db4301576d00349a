"""Parsing an update: which of the three kinds it is, and what it says.

An operator update becomes a tree of paths (`tree`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from amongo.errors import update as errors
from amongo.mql.updates.array_filters import parse_array_filters
from amongo.mql.updates.paths import is_array_part, parse_path
from amongo.mql.updates.registry import OPERATORS, Collator, Leaf, UpdateContext
from amongo.mql.updates.sameness import nesting
from amongo.mql.updates.tree import ArrayFilters, build
from amongo.mql.updates.update import OperatorUpdate, PipelineUpdate, ReplacementUpdate, RunPipeline, Update
from amongo.runtime.limits import NESTING_DEPTH
from amongo.values.types import alias
from amongo.values.wording import element, shown

_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
_PLAIN_CONTEXT: Final = UpdateContext(None, _NO_VARIABLES)
_SUSPECT_DEPTH: Final = NESTING_DEPTH - 3  # path and operand together; an operator may add an array around a value

UPDATE_STAGES: Final = frozenset({"$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"})
"""The stages of an update pipeline (source: manual, Updates with Aggregation Pipeline)."""


def parse_update(
    update: dict[str, Any] | list[dict[str, Any]],
    *,
    array_filters: list[dict[str, Any]] | None = None,
    variables: Mapping[str, Any] = _NO_VARIABLES,
    collator: Collator | None = None,
    run_pipeline: RunPipeline | None = None,
) -> Update:
    """Parse an update.

    update          a document of update operators, a replacement document, or a list of pipeline stages
    array_filters   what the identifiers of `$[id]` mean
    variables       what filters inside the update may use
    collator        turns a string into its sort key under the collation of the operation
    run_pipeline    (document) -> new document: runs a pipeline update; needed only to apply one. The caller, who
                    can import `amongo.aggregate`, parses the stages and closes over variables and clock
    errors          UNKNOWN_MODIFIER, MODIFIER_NOT_A_DOCUMENT, the path errors of `parse_path`, CONFLICT, those of
                    array filters and of each operator; UPDATE_NOT_A_DOCUMENT, STAGE_NOT_ALLOWED
    source          manual, Update Operators
    """
    if type(update) is dict:
        first = next(iter(update), "")
        if first[:1] == "$":
            return _parse_operators(update, array_filters, variables, collator)
        return _parse_replacement(update, array_filters)
    if type(update) is list:
        return _parse_pipeline(update, array_filters, run_pipeline)
    raise errors.UPDATE_NOT_A_DOCUMENT(kind=alias(update))


def _parse_operators(
    update: dict[str, Any],
    array_filters: list[dict[str, Any]] | None,
    variables: Mapping[str, Any],
    collator: Collator | None,
) -> OperatorUpdate:
    context = UpdateContext(collator, variables) if collator is not None or variables else _PLAIN_CONTEXT
    filters = parse_array_filters(array_filters, context) if array_filters else {}
    modifications: list[tuple[str, tuple[str, ...], Leaf]] = []
    watched, guards_id, has_dollar, is_suspect = "", False, False, False
    for name, fields in update.items():
        operator = OPERATORS.get(name)
        if operator is None:
            raise errors.UNKNOWN_MODIFIER(name=name)
        if type(fields) is not dict:
            raise errors.MODIFIER_NOT_A_DOCUMENT(kind=alias(fields), modifier=element(name, fields))
        apply, parse, expand = operator.apply, operator.parse, operator.expand
        for path, operand in fields.items():
            parts = parse_path(path)
            if parts[0] == "_id":
                watched = watched or path
                guards_id = guards_id or not operator.may_restate_id
            elif path[0] == "$":
                has_dollar = True
            if len(parts) + nesting(operand) > _SUSPECT_DEPTH:
                is_suspect = True
            if expand is not None:
                is_suspect = True
                for other, leaf in expand(path, operand):
                    other_parts = parse_path(other)
                    modifications.append((other, other_parts, leaf))
                    if other_parts[0] == "_id":
                        watched, guards_id = watched or other, True
                    has_dollar = has_dollar or other[0] == "$"
            elif parse is None:
                modifications.append((path, parts, (apply, operand)))
            else:
                modifications.append((path, parts, (apply, parse(path, operand, context))))
    root = build(modifications, filters)
    uses_positional = any("$" in parts for _, parts, _ in modifications)
    if filters:
        _check_filters_used(update, modifications, filters)
    return OperatorUpdate(root, watched, guards_id, has_dollar, is_suspect, uses_positional)


def _check_filters_used(
    update: dict[str, Any], modifications: list[tuple[str, tuple[str, ...], Leaf]], filters: ArrayFilters
) -> None:
    used = {part[2:-1] for _, parts, _ in modifications for part in parts if is_array_part(part)}
    for name in filters:
        if name not in used:
            raise errors.ARRAY_FILTER_UNUSED(name=name, update=shown(update))


def _parse_replacement(replacement: dict[str, Any], array_filters: list[dict[str, Any]] | None) -> ReplacementUpdate:
    if array_filters:
        raise errors.ARRAY_FILTERS_WITH_REPLACEMENT()
    if nesting(replacement) > NESTING_DEPTH:
        raise errors.TOO_DEEP(limit=NESTING_DEPTH)
    return ReplacementUpdate(replacement)


def _parse_pipeline(
    stages: list[dict[str, Any]], array_filters: list[dict[str, Any]] | None, run: RunPipeline | None
) -> PipelineUpdate:
    if array_filters:
        raise errors.ARRAY_FILTERS_WITH_PIPELINE()
    for stage in stages:
        if type(stage) is not dict:
            raise errors.STAGE_NOT_A_DOCUMENT()
        if len(stage) != 1:
            raise errors.STAGE_FIELD_COUNT()
        name = next(iter(stage))
        if name not in UPDATE_STAGES:
            raise errors.STAGE_NOT_ALLOWED(name=name)
    return PipelineUpdate(stages, run)

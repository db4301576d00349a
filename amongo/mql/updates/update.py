"""An update, parsed: `parse_update` gives an `Update`, whose `apply` makes the new document.

Three kinds. Operators (`{"$set": …}`) become a tree of paths (`tree`), applied copy-on-write (`application`). A
replacement is the new document itself. A pipeline is run by the caller: `mql` may not import `aggregate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, NamedTuple

from bson import Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import update as errors
from amongo.mql.updates.application import apply_fields
from amongo.mql.updates.array_filters import parse_array_filters
from amongo.mql.updates.difference import describe
from amongo.mql.updates.paths import in_order, is_array_part, is_plain, parse_path
from amongo.mql.updates.registry import OPERATORS, Collator, Leaf, Scene, UpdateContext
from amongo.mql.updates.sameness import is_same, nesting
from amongo.mql.updates.tree import ArrayFilters, Fields, build
from amongo.runtime.limits import NESTING_DEPTH
from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING
from amongo.values.order import equal
from amongo.values.types import alias
from amongo.values.wording import element, shown

Kind = Literal["operators", "replacement", "pipeline"]
RunPipeline = Callable[[dict[str, Any]], dict[str, Any]]
_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
_SUSPECT_DEPTH: Final = NESTING_DEPTH - 3  # path and operand together; an operator may add an array around a value
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN_CONTEXT: Final = UpdateContext(None, _NO_VARIABLES)
_EMPTY_TIMESTAMP: Final = Timestamp(0, 0)

UPDATE_STAGES: Final = frozenset({"$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"})
"""The stages of an update pipeline (source: manual, Updates with Aggregation Pipeline)."""


class Outcome(NamedTuple):
    """What an update made of a document.

    document      the new document; None when the update changes nothing (never for a replacement, which the server
                  counts as modified even when the document stays the same)
    description   {"updatedFields": {path: value}, "removedFields": [path], "truncatedArrays": [{"field", "newSize"}]};
                  None for a replacement, and when nothing changed
    """

    document: dict[str, Any] | None
    description: dict[str, Any] | None


UNCHANGED_OUTCOME: Final = Outcome(None, None)


class Update:
    """A parsed update. It never changes the documents it is given; values are shared, not copied.

    kind            "operators", "replacement" or "pipeline"
    uses_positional   whether `apply` needs an `array_index`, because a path has the positional `$`
    """

    __slots__ = ("uses_positional",)
    kind: ClassVar[Kind]
    uses_positional: bool

    def apply(
        self,
        document: dict[str, Any],
        *,
        now: DatetimeMS,
        clock_timestamp: Timestamp,
        array_index: int | None = None,
        is_insert: bool = False,
    ) -> Outcome:
        """Update one document.

        document          the document as it is; for an upsert, what the filter says about it
        now               the date that `$currentDate` sets
        clock_timestamp   the timestamp that `$currentDate` and empty timestamps of a replacement become
        array_index       the element that the filter matched (`matcher.array_match_index`), for the positional `$`
        is_insert         the document is about to be inserted by an upsert: `$setOnInsert` counts
        errors            those of the operators; IMMUTABLE_PATH, IMMUTABLE_ALTERED, DOLLAR_PREFIXED, TOO_DEEP,
                          INVALID_ID
        """
        raise NotImplementedError


class OperatorUpdate(Update):
    """An update by operators.

    root          the tree of paths
    watched       the first path at or below `_id`, "" when there is none
    guards_id     an operator is among them that may not even write `_id` again as it is
    has_dollar    a top-level field that starts with a dollar sign may be written
    is_suspect    the result may nest too deeply and is measured
    """

    __slots__ = ("guards_id", "has_dollar", "is_suspect", "root", "watched")
    kind: ClassVar[Kind] = "operators"

    def __init__(
        self,
        root: Fields,
        watched: str = "",
        guards_id: bool = False,
        has_dollar: bool = False,
        is_suspect: bool = False,
        uses_positional: bool = False,
    ) -> None:
        self.root = root
        self.watched = watched
        self.guards_id = guards_id
        self.has_dollar = has_dollar
        self.is_suspect = is_suspect
        self.uses_positional = uses_positional

    def apply(
        self,
        document: dict[str, Any],
        *,
        now: DatetimeMS,
        clock_timestamp: Timestamp,
        array_index: int | None = None,
        is_insert: bool = False,
    ) -> Outcome:
        """See `Update.apply`."""
        updated: dict[str, Any] = {}
        removed: list[str] = []
        scene = Scene(document, now, clock_timestamp, array_index, is_insert, updated, removed)
        after = apply_fields(self.root, document, "", scene)
        if after is document:
            return UNCHANGED_OUTCOME
        if self.watched:
            _check_id(document, after, self.watched)
            if self.guards_id and "_id" in document and any(_is_id_path(path) for path in (*updated, *removed)):
                raise errors.IMMUTABLE_PATH(path=self.watched)
        # An insert may bring a field with a dollar sign, an update of what is there may not.
        if self.has_dollar and not is_insert:
            _check_dollar_fields(document, after)
        if self.is_suspect and nesting(after) > NESTING_DEPTH:
            raise errors.TOO_DEEP(limit=NESTING_DEPTH)
        return Outcome(after, {"updatedFields": updated, "removedFields": removed, "truncatedArrays": []})


class ReplacementUpdate(Update):
    """A whole new document, which keeps the `_id` of the old one.

    empty_timestamps   top-level fields that hold Timestamp(0, 0), for which the server puts the current one
    dollar_field       the first top-level field that starts with a dollar sign, "" when there is none
    """

    __slots__ = ("dollar_field", "empty_timestamps", "replacement")
    kind: ClassVar[Kind] = "replacement"

    def __init__(self, replacement: dict[str, Any]) -> None:
        self.uses_positional = False
        self.replacement = replacement
        self.dollar_field = next((name for name in replacement if name[:1] == "$"), "")
        self.empty_timestamps = [
            name
            for name, value in replacement.items()
            if type(value) is Timestamp and value == _EMPTY_TIMESTAMP and name != "_id"
        ]

    def apply(
        self,
        document: dict[str, Any],
        *,
        now: DatetimeMS,
        clock_timestamp: Timestamp,
        array_index: int | None = None,
        is_insert: bool = False,
    ) -> Outcome:
        """See `Update.apply`."""
        after = self.replacement
        if self.empty_timestamps:
            after = after | dict.fromkeys(self.empty_timestamps, clock_timestamp)
        if self.dollar_field and not is_insert:
            raise errors.DOLLAR_PREFIXED(name=self.dollar_field, path=self.dollar_field)
        # A replacement counts as a change even when the document was the same before.
        return Outcome(_keep_id(document, after), None)


class PipelineUpdate(Update):
    """An update by an aggregation pipeline, which the caller runs."""

    __slots__ = ("run", "stages")
    kind: ClassVar[Kind] = "pipeline"

    def __init__(self, stages: list[dict[str, Any]], run: RunPipeline | None) -> None:
        self.uses_positional = False
        self.stages = stages
        self.run = run

    def apply(
        self,
        document: dict[str, Any],
        *,
        now: DatetimeMS,
        clock_timestamp: Timestamp,
        array_index: int | None = None,
        is_insert: bool = False,
    ) -> Outcome:
        """See `Update.apply`."""
        if self.run is None:
            raise errors.PIPELINE_NEEDS_RUNNER()
        after = _keep_id(document, self.run(document))
        if nesting(after) > NESTING_DEPTH:
            raise errors.TOO_DEEP(limit=NESTING_DEPTH)
        if is_same(document, after):
            return UNCHANGED_OUTCOME
        return Outcome(after, describe(document, after))


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
            if collator is None and not array_filters and not variables:
                return _parse_plain(update) or _parse_operators(update, None, variables, None)
            return _parse_operators(update, array_filters, variables, collator)
        return _parse_replacement(update, array_filters)
    if type(update) is list:
        return _parse_pipeline(update, array_filters, run_pipeline)
    raise errors.UPDATE_NOT_A_DOCUMENT(kind=alias(update))


def _parse_plain(update: dict[str, Any]) -> OperatorUpdate | None:
    """The update when it is of the common kind: top-level fields, each once, nothing to watch. None if it is not.

    `_parse_operators` gives the same for these, in twice the time.
    """
    leaves: dict[str, Leaf] = {}
    for name, fields in update.items():
        operator = OPERATORS.get(name)
        if operator is None or operator.expand is not None or type(fields) is not dict:
            return None
        apply, parse = operator.apply, operator.parse
        for path, operand in fields.items():
            if not is_plain(path) or path in leaves:
                return None
            if type(operand) in _CONTAINERS and nesting(operand) > _SUSPECT_DEPTH:
                return None
            leaves[path] = (apply, operand if parse is None else parse(path, operand, _PLAIN_CONTEXT))
    children = list(leaves.items()) if len(leaves) < 2 else [(path, leaves[path]) for path in in_order(leaves)]
    return OperatorUpdate(Fields(children))


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


def _check_id(before: dict[str, Any], after: dict[str, Any], path: str) -> None:
    """Refuse a changed `_id`; an insert may give one where there was none."""
    old, new = before.get("_id", MISSING), after.get("_id", MISSING)
    if old is MISSING:
        if new is not MISSING:
            _check_id_type(new)
        return
    if new is MISSING or not equal(old, new):
        raise errors.IMMUTABLE_PATH(path=path)


def _is_id_path(path: str) -> bool:
    return path == "_id" or path.startswith("_id.")


def _check_id_type(value: Any) -> None:
    if type(value) in (list, Regex, Undefined):
        raise errors.INVALID_ID(kind=alias(value))


def _check_dollar_fields(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, value in after.items():
        if name[:1] == "$" and (name not in before or before[name] is not value):
            raise errors.DOLLAR_PREFIXED(name=name, path=name)


def _keep_id(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The new document with `_id` in front: its own if it equals the old one, the old one if it has none."""
    old, new = before.get("_id", MISSING), after.get("_id", MISSING)
    if new is MISSING:
        return after if old is MISSING else {"_id": old, **after}
    if old is MISSING:
        _check_id_type(new)
    elif not equal(old, new):
        raise errors.IMMUTABLE_ALTERED(element=element("_id", new))
    if next(iter(after)) == "_id":
        return after
    return {"_id": new, **{name: value for name, value in after.items() if name != "_id"}}

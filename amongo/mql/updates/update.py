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
from amongo.mql.updates.difference import describe
from amongo.mql.updates.registry import Scene, UpdateContext
from amongo.mql.updates.sameness import is_same, nesting
from amongo.mql.updates.tree import Fields
from amongo.runtime.limits import NESTING_DEPTH
from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING
from amongo.values.order import equal
from amongo.values.types import alias
from amongo.values.wording import element

Kind = Literal["operators", "replacement", "pipeline"]
RunPipeline = Callable[[dict[str, Any]], dict[str, Any]]
_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
_SUSPECT_DEPTH: Final = NESTING_DEPTH - 3  # path and operand together; an operator may add an array around a value
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN_CONTEXT: Final = UpdateContext(None, _NO_VARIABLES)
_EMPTY_TIMESTAMP: Final = Timestamp(0, 0)


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

    @property
    def is_given_whole(self) -> bool:
        """Whether it is a replacement that begins with an `_id`. Only then it may be the very document that stands
        there, and change nothing: the server compares the two before it puts in an `_id`."""
        return False

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

    @property
    def is_given_whole(self) -> bool:
        """See `Update.is_given_whole`."""
        return next(iter(self.replacement), "") == "_id"

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

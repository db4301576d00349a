"""The `index` option of collMod: how long documents live, whether queries see the index, whether it is unique.

An index becomes unique in two steps: `prepareUnique` refuses new duplicates, then `unique` finds whether there are old
ones. What is asked for and is so already changes nothing and is not told in the reply. Source: manual, collMod, "Change
an Index".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bson import Int64

from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import is_system
from amongo.engine.indexes import ID_INDEX_NAME, Definition
from amongo.engine.records import Collection
from amongo.errors import coll_mod as errors
from amongo.values.order import equal
from amongo.values.wording import shown

_FIELDS: Final = {
    "name": Field("string"),
    "keyPattern": Field("object"),
    "expireAfterSeconds": Field("integer"),
    "hidden": Field("flag"),
    "unique": Field("flag"),
    "prepareUnique": Field("flag"),
    "forceNonUnique": Field("flag"),
}
_EXPIRY_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What a collMod asks of one index; None for what it does not speak of.

    name, pattern          which index: one of them is given
    expire_after_seconds   of a TTL index
    """

    name: str | None
    pattern: dict[str, Any] | None
    expire_after_seconds: int | None = None
    hidden: bool | None = None
    unique: bool | None = None
    prepare_unique: bool | None = None
    force_non_unique: bool | None = None

    @property
    def count(self) -> int:
        """How many modifications it is."""
        asked = (self.expire_after_seconds, self.hidden, self.unique, self.prepare_unique, self.force_non_unique)
        return sum(each is not None for each in asked)


class Planned(NamedTuple):
    """A change of an index, checked against what there is.

    definition       as it will be
    reply            the old and new values that collMod tells
    becomes_unique   whether the documents must be looked at for duplicates first
    prepares         whether it will refuse new duplicates, which has to be asked for alone
    """

    definition: Definition
    reply: dict[str, Any]
    becomes_unique: bool
    prepares: bool


def parse_index_change(value: Mapping[str, Any]) -> IndexChange:
    """The `index` option.

    errors   those of `parse_fields`
    """
    fields = parse_fields("collMod.index", value, _FIELDS, generic={})
    return IndexChange(*(fields[name] for name in _FIELDS))


def plan_index_change(
    collection: Collection, indexes: Mapping[str, Definition], namespace: str, change: IndexChange, *, is_series: bool
) -> Planned:
    """What the change makes of the collection's index.

    indexes     of the collection, by name
    namespace   by which the command names it
    is_series   whether it is a time series
    errors      those of `amongo.errors.coll_mod` about indexes
    """
    _check_request(collection, change, is_series=is_series)
    _check_clustered(collection, change)
    definition = _find(indexes, namespace, change)
    new = dict(definition)
    reply: dict[str, Any] = {}
    if change.expire_after_seconds is not None:
        _check_expiry(definition)
        if "expireAfterSeconds" in definition:
            reply["expireAfterSeconds_old"] = Int64(definition["expireAfterSeconds"])
        new["expireAfterSeconds"] = reply["expireAfterSeconds_new"] = Int64(change.expire_after_seconds)
    is_unique, is_prepared = bool(definition.get("unique")), bool(definition.get("prepareUnique"))
    becomes_unique = _becomes_unique(change, is_unique, is_prepared)
    if change.hidden is not None:
        _check_hidden(namespace, definition)
        if bool(definition.get("hidden")) != change.hidden:
            _set_flag(new, "hidden", change.hidden)
            reply["hidden_old"], reply["hidden_new"] = not change.hidden, change.hidden
    prepares = change.prepare_unique not in (None, is_prepared) and not is_unique
    if prepares:
        _set_flag(new, "prepareUnique", bool(change.prepare_unique))
        reply["prepareUnique_old"], reply["prepareUnique_new"] = is_prepared, change.prepare_unique
    if becomes_unique:
        new["unique"] = reply["unique_new"] = True
        new.pop("prepareUnique", None)
    if change.force_non_unique is not None:
        if not change.force_non_unique:
            raise errors.FORCE_FALSE()
        if is_unique:
            del new["unique"]
            reply["forceNonUnique_new"] = True
    return Planned(new, reply, becomes_unique, prepares)


def _check_request(collection: Collection, change: IndexChange, *, is_series: bool) -> None:
    """What is wrong whatever the index is.

    errors   NAME_AND_PATTERN, NO_NAME_NOR_PATTERN, NOTHING_TO_CHANGE, UNIQUE_BOTH_WAYS, TTL_ON_SERIES, TTL_ON_CAPPED,
             TTL_OUT_OF_RANGE
    """
    if change.name is not None and change.pattern is not None:
        raise errors.NAME_AND_PATTERN()
    if change.name is None and change.pattern is None:
        raise errors.NO_NAME_NOR_PATTERN()
    if not change.count:
        raise errors.NOTHING_TO_CHANGE()
    if change.unique is not None and change.force_non_unique is not None:
        raise errors.UNIQUE_BOTH_WAYS()
    if change.expire_after_seconds is not None:
        if is_series:
            raise errors.TTL_ON_SERIES()
        if collection.options.get("capped"):
            raise errors.TTL_ON_CAPPED()
        if not 0 <= change.expire_after_seconds <= _EXPIRY_MAX:
            raise errors.TTL_OUT_OF_RANGE(value=change.expire_after_seconds)


def _check_clustered(collection: Collection, change: IndexChange) -> None:
    """The index that a clustered collection is cannot be hidden.

    errors   HIDDEN_CLUSTERED
    """
    if change.hidden is None:
        return
    for definition in collection.indexes.values():
        if definition.get("clustered") and (
            change.name == definition["name"]
            or (change.pattern is not None and equal(change.pattern, definition["key"]))
        ):
            raise errors.HIDDEN_CLUSTERED()


def _find(indexes: Mapping[str, Definition], namespace: str, change: IndexChange) -> Definition:
    """The index that the change means.

    errors   INDEX_NOT_FOUND, AMBIGUOUS_PATTERN
    """
    if change.name is not None:
        definition = indexes.get(change.name)
        if definition is None or definition.get("clustered"):
            raise errors.INDEX_NOT_FOUND(index=change.name, namespace=namespace)
        return definition
    pattern = change.pattern
    found = [
        each
        for each in indexes.values()
        if not each.get("clustered") and list(each["key"]) == list(pattern or ()) and equal(each["key"], pattern)
    ]
    if not found:
        raise errors.INDEX_NOT_FOUND(index=shown(pattern), namespace=namespace)
    if len(found) > 1:
        raise errors.AMBIGUOUS_PATTERN(
            pattern=shown(pattern), count=len(found), one=shown(found[0]), other=shown(found[1])
        )
    return found[0]


def _check_expiry(definition: Definition) -> None:
    """An index gets a lifetime only where documents have one date in it.

    errors   TTL_ON_ID, TTL_ON_SEVERAL_FIELDS
    """
    if "expireAfterSeconds" not in definition:
        if definition["name"] == ID_INDEX_NAME:
            raise errors.TTL_ON_ID()
        if len(definition["key"]) != 1:
            raise errors.TTL_ON_SEVERAL_FIELDS()


def _check_hidden(namespace: str, definition: Definition) -> None:
    if is_system(namespace.partition(".")[2]):
        raise errors.HIDDEN_ON_SYSTEM()
    if definition["name"] == ID_INDEX_NAME:
        raise errors.HIDDEN_ID()


def _becomes_unique(change: IndexChange, is_unique: bool, is_prepared: bool) -> bool:
    """errors   NOT_NON_UNIQUE, NOT_PREPARED"""
    if change.unique is None:
        return False
    if not change.unique:
        raise errors.NOT_NON_UNIQUE()
    if is_unique:
        return False
    if not is_prepared:
        raise errors.NOT_PREPARED()
    return True


def _set_flag(definition: Definition, name: str, value: bool) -> None:
    if value:
        definition[name] = True
    else:
        definition.pop(name, None)

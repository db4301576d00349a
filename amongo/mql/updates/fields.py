"""Operators on one field: `$set`, `$setOnInsert`, `$unset`, `$min`, `$max`, `$currentDate`."""

from __future__ import annotations

from typing import Any

from amongo.errors import update as errors
from amongo.mql.updates.registry import UNCHANGED, Collator, Plain, Scene, UpdateContext, operator
from amongo.mql.updates.sameness import is_same
from amongo.values.missing import MISSING
from amongo.values.order import compare
from amongo.values.types import alias


@operator("$set", may_restate_id=True, plain=Plain.REPLACE)
def set_field(current: Any, operand: Any, scene: Scene) -> Any:
    """Put a value in the field, creating its path.

    operand   any value; documents are taken whole, whatever their field names
    order     a value of the same type and bytes changes nothing; 1 and 1.0 differ
    source    manual, $set
    """
    return UNCHANGED if is_same(current, operand) else operand


@operator("$setOnInsert", may_restate_id=True)
def set_on_insert(current: Any, operand: Any, scene: Scene) -> Any:
    """Like `$set`, when an upsert inserts; nothing otherwise.

    source   manual, $setOnInsert
    """
    if not scene.is_insert or is_same(current, operand):
        return UNCHANGED
    return operand


@operator("$unset", plain=Plain.REMOVE)
def unset_field(current: Any, operand: Any, scene: Scene) -> Any:
    """Take the field away; an array element becomes null.

    operand   does not matter
    source    manual, $unset
    """
    return UNCHANGED if current is MISSING else MISSING


def _parse_bound(path: str, operand: Any, context: UpdateContext) -> tuple[Any, Collator | None]:
    return operand, context.collator


@operator("$min", parse=_parse_bound)
def keep_smaller(current: Any, operand: tuple[Any, Collator | None], scene: Scene) -> Any:
    """Set the field to the operand if that is smaller in the order of all values; an absent field is set.

    order    equal values keep the type they have
    source   manual, $min
    """
    bound, collator = operand
    return bound if current is MISSING or compare(bound, current, collator) < 0 else UNCHANGED


@operator("$max", parse=_parse_bound)
def keep_larger(current: Any, operand: tuple[Any, Collator | None], scene: Scene) -> Any:
    """Set the field to the operand if that is larger in the order of all values; an absent field is set.

    order    equal values keep the type they have
    source   manual, $max
    """
    bound, collator = operand
    return bound if current is MISSING or compare(bound, current, collator) > 0 else UNCHANGED


def _parse_current_date(path: str, operand: Any, context: UpdateContext) -> bool:
    """Whether the field becomes a timestamp (and not a date)."""
    kind = type(operand)
    if kind is bool:
        return False
    if kind is not dict:
        raise errors.CURRENT_DATE_ARGUMENT(kind=alias(operand))
    for name in operand:
        if name != "$type":
            raise errors.CURRENT_DATE_OPTION(name=name)
    wanted = operand.get("$type")
    if type(wanted) is not str or wanted not in ("date", "timestamp"):
        raise errors.CURRENT_DATE_TYPE()
    return wanted == "timestamp"


@operator("$currentDate", parse=_parse_current_date)
def set_current_date(current: Any, operand: bool, scene: Scene) -> Any:
    """Set the field to the current time.

    operand   true or false for a date; {$type: "date"} or {$type: "timestamp"}
    errors    CURRENT_DATE_ARGUMENT, CURRENT_DATE_OPTION, CURRENT_DATE_TYPE
    source    manual, $currentDate
    """
    return scene.timestamp if operand else scene.now

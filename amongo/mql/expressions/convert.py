"""$convert, and its short forms: $toInt, $toLong, $toDouble, $toDecimal, $toString, $toBool, $toDate, $toObjectId,
$toUUID, $toObject, $toArray."""

from __future__ import annotations

from typing import Any, Final

from amongo.errors import Condition
from amongo.errors import convert as errors
from amongo.mql.expressions.conversions import CONVERSIONS, Options
from amongo.mql.expressions.fallbacks import NOTHING, WithFallbacks
from amongo.mql.expressions.nodes import Call, Expression, Literal, Operator
from amongo.mql.expressions.number_bases import number_of, read_base, text_of
from amongo.mql.expressions.registry import ABSENT, form, parse_operand, read_fields, register
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import exact_integer
from amongo.values.types import ALIASES, BsonType, alias, is_number
from amongo.values.wording import shown

_FORMATS: Final = frozenset({"base64", "base64url", "utf8", "hex", "uuid", "auto"})
_BY_ALIAS: Final = {name: kind for kind, name in ALIASES.items() if kind is not BsonType.MISSING}
_NUMERIC: Final = frozenset({BsonType.INT, BsonType.LONG, BsonType.DOUBLE, BsonType.DECIMAL})
_AUTO: Final = Options(0, "auto", False)
_SUBTYPES: Final = frozenset({*range(10), *range(128, 256)})


def _convert(value: Any, target: Any, text_format: Any, byte_order: Any, base: Any) -> Any:
    """One conversion; NOTHING for an input that is null or missing."""
    subtype = 0
    if type(target) is dict:
        subtype = _read_subtype(target.get("subtype", 0))
        target = target.get("type")
        if is_nullish(target):
            raise errors.TARGET_TYPE(kind=alias(target))
    kind = None if is_nullish(target) else _read_target(target)
    options = Options(
        subtype,
        None if text_format is ABSENT or is_nullish(text_format) else _read_format(text_format),
        byte_order is not ABSENT and not is_nullish(byte_order) and _is_big(byte_order),
        None if base is ABSENT or is_nullish(base) else read_base(base),
    )
    if is_nullish(value):
        return NOTHING
    return None if kind is None else convert(value, kind, options)


def convert(value: Any, target: BsonType, options: Options) -> Any:
    """Convert a value that is something.

    errors   NO_CONVERSION, those of the conversion
    """
    if options.base is not None:
        if type(value) is str and target in _NUMERIC:
            value = number_of(value, options.base)
        elif target is BsonType.STRING and is_number(value):
            return text_of(value, options.base)
    conversion = CONVERSIONS.get(target)
    if conversion is None:
        raise errors.NO_CONVERSION(source=alias(value), target=target.alias)
    return conversion(value, options)


def _read_target(target: Any) -> BsonType:
    if type(target) is str:
        if target not in _BY_ALIAS:
            raise errors.UNKNOWN_TARGET(name=target)
        return _BY_ALIAS[target]
    if not is_number(target):
        raise errors.TARGET_TYPE(kind=alias(target))
    number = exact_integer(target)
    if number is None:
        raise errors.TARGET_NOT_WHOLE()
    if number not in BsonType._value2member_map_:
        raise errors.TARGET_NUMBER_UNKNOWN(number=number)
    return BsonType(number)


def _read_subtype(subtype: Any) -> int:
    if not is_number(subtype):
        raise errors.SUBTYPE_TYPE(kind=alias(subtype))
    number = exact_integer(subtype)
    if number is None:
        raise errors.SUBTYPE_NOT_WHOLE()
    if number not in _SUBTYPES:
        raise errors.SUBTYPE_UNKNOWN(number=number)
    return number


def _read_format(text_format: Any) -> str:
    if type(text_format) is not str:
        raise errors.FORMAT_TYPE(kind=alias(text_format), value=shown(text_format))
    if text_format not in _FORMATS:
        raise errors.UNKNOWN_FORMAT(format=text_format)
    return str(text_format)


def _is_big(byte_order: Any) -> bool:
    if type(byte_order) is not str:
        raise errors.BYTE_ORDER_TYPE(kind=alias(byte_order))
    if byte_order not in ("little", "big"):
        raise errors.UNKNOWN_BYTE_ORDER(value=byte_order)
    return byte_order == "big"


_CONVERT: Final = Operator("$convert", _convert, False)
_REQUIRED: Final[dict[str, Condition]] = {"input": errors.CONVERT_WITHOUT_INPUT, "to": errors.CONVERT_WITHOUT_TO}


@form("$convert")
def parse_convert(operand: Any, scope: Scope) -> Expression:
    """A value as another type.

    args     {input, to: type name or number, or {type, subtype}, format, byteOrder, base, onError, onNull}
    result   the converted value; `onNull` for an input that is null or missing; `onError` where there is no
             conversion or it fails; null for a `to` that is null or missing
    errors   CONVERT_NEEDS_OBJECT, CONVERT_UNKNOWN_FIELD, CONVERT_WITHOUT_INPUT, CONVERT_WITHOUT_TO, TARGET_TYPE,
             TARGET_NOT_WHOLE, TARGET_NUMBER_UNKNOWN, UNKNOWN_TARGET, the SUBTYPE_, FORMAT_ and BYTE_ORDER_
             conditions, BASE_NOT_WHOLE, UNKNOWN_BASE; without `onError` those under "Conversions that fail"; those of
             damaged vectors always
    source   manual, $convert
    """
    if type(operand) is not dict:
        raise errors.CONVERT_NEEDS_OBJECT(kind=alias(operand))
    fields = read_fields(
        "$convert",
        operand,
        _REQUIRED,
        ("format", "byteOrder", "base", "onError", "onNull"),
        errors.CONVERT_NEEDS_OBJECT,
        errors.CONVERT_UNKNOWN_FIELD,
    )
    parsed = {field: parse_operand(value, scope) for field, value in fields.items()}
    absent = Literal(ABSENT)
    options = (parsed.get(name, absent) for name in ("format", "byteOrder", "base"))
    arguments = (parsed["input"], parsed["to"], *options)
    return WithFallbacks(Call(_CONVERT, arguments), parsed.get("onNull"), parsed.get("onError"))


def _short_form(name: str, target: BsonType, options: Options = _AUTO, what: str = "") -> None:
    def to_target(value: Any) -> Any:
        return None if is_nullish(value) else convert(value, target, options)

    call = Operator(name, to_target, False)

    def parse(operand: Any, scope: Scope) -> Expression:
        if type(operand) is list:
            if len(operand) != 1:
                raise errors.CONVERT_ONE_ARGUMENT(name=name, count=len(operand))
            (operand,) = operand
        return Call(call, (parse_operand(operand, scope),))

    register(
        name,
        parse,
        f"""A value as {what or target.alias}.

    args     one value
    result   {what or target.alias}; null for null or missing
    errors   CONVERT_ONE_ARGUMENT, those under "Conversions that fail"
    source   manual, {name}, $convert
    """,
    )


_short_form("$toInt", BsonType.INT)
_short_form("$toLong", BsonType.LONG)
_short_form("$toDouble", BsonType.DOUBLE)
_short_form("$toDecimal", BsonType.DECIMAL)
_short_form("$toString", BsonType.STRING)
_short_form("$toBool", BsonType.BOOL)
_short_form("$toDate", BsonType.DATE)
_short_form("$toObjectId", BsonType.OBJECT_ID)
_short_form("$toUUID", BsonType.BINARY, Options(4, "uuid", False), "binData of subtype 4")
_short_form("$toObject", BsonType.OBJECT)
_short_form("$toArray", BsonType.ARRAY)

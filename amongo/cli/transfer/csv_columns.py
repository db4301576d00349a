"""The columns of a CSV file: names, types, and how the text of a cell becomes a value.

Source: manual, mongoimport: `--columnsHaveTypes`, `--parseGrace`, `--useArrayIndexFields`. Without types every cell is
read as a number where it looks like one to Go's parser, and is a string otherwise.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import DecimalException
from typing import Any, Final

from bson import Binary, Decimal128, Int64
from bson.datetime_ms import DatetimeMS

from amongo.cli.transfer.date_layouts import go_dates, microsoft_dates, oracle_dates

_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_HEX_FLOAT: Final = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+", re.ASCII)
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?|nan", re.ASCII | re.IGNORECASE)
_TYPED: Final = re.compile(r"(.*)\.(\w+)\((.*)\)", re.ASCII | re.DOTALL)
_DIGITS: Final = 20  # past which a number is no int64

AUTO_CAST, SKIP_FIELD, SKIP_ROW, STOP = "autoCast", "skipField", "skipRow", "stop"
GRACES: Final = (AUTO_CAST, SKIP_FIELD, SKIP_ROW, STOP)

Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    name        the path of its field
    parts       of the path
    type_name   "auto" or what the header says
    parse       makes a value of a cell; ValueError where it is none of the type
    """

    name: str
    parts: tuple[str, ...]
    type_name: str
    parse: Parse


def columns_of(headers: Sequence[str], *, have_types: bool, uses_array_indexes: bool) -> tuple[Column, ...]:
    """The columns that a header line or `--fields` names.

    errors   ValueError for a malformed or unknown type, names that are no paths, and two that do not go together
    """
    columns = tuple(
        _typed(each) if have_types else Column(each, tuple(each.split(".")), "auto", auto) for each in headers
    )
    _check([each.name for each in columns], uses_array_indexes)
    return columns


def split_fields(text: str) -> list[str]:
    """The names in `--fields`: commas within parentheses do not divide them."""
    names, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1 if depth else 0}.get(character, 0)
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return names


def auto(text: str) -> Any:
    """An int32, an int64, a double, or the text itself, as Go's parsers see it."""
    if _INTEGER.fullmatch(text) and len(text.lstrip("+-0")) <= _DIGITS:
        value = int(text)
        if -(2**31) <= value < 2**31:
            return value
        if -(2**63) <= value < 2**63:
            return Int64(value)
    try:
        return _double(text)
    except ValueError:
        return text


def _double(text: str) -> float:
    if _FLOAT.fullmatch(text) or _INFINITE.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")) and not _INFINITE.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is out of range")
        return value
    if _HEX_FLOAT.fullmatch(text):
        return float.fromhex(text)
    raise ValueError(f"{text[:40]!r} is no number")


def _integer(bits: int) -> Parse:
    bounds = range(-(2 ** (bits - 1)), 2 ** (bits - 1))

    def parse(text: str) -> Any:
        if not _INTEGER.fullmatch(text) or len(text.lstrip("+-0")) > _DIGITS or int(text) not in bounds:
            raise ValueError(f"{text[:40]!r} is no int{bits}")
        return int(text) if bits == 32 else Int64(text)

    return parse


def _boolean(text: str) -> bool:
    value = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if value is None:
        raise ValueError(f"{text[:40]!r} is no boolean")
    return value


def _decimal(text: str) -> Decimal128:
    try:
        return Decimal128(text)
    except (DecimalException, TypeError):
        raise ValueError(f"{text[:40]!r} is no decimal") from None


def _binary(encoding: str) -> Parse:
    decoders: dict[str, Callable[[str], bytes]] = {
        "base64": lambda text: base64.b64decode(text, validate=True),
        "base32": base64.b32decode,
        "hex": bytes.fromhex,
    }
    decode = decoders.get(encoding)
    if decode is None:
        raise ValueError(f"invalid binary encoding: {encoding!r}; it is base64, base32 or hex")

    def parse(text: str) -> Binary:
        try:
            return Binary(decode(text), 0)
        except binascii.Error as error:
            raise ValueError(str(error)) from None

    return parse


def _dates(reader: Callable[[str], Callable[[str], int]]) -> Callable[[str], Parse]:
    def made(layout: str) -> Parse:
        read = reader(layout)
        return lambda text: DatetimeMS(read(text))

    return made


def _plain(parse: Parse) -> Callable[[str], Parse]:
    def made(argument: str) -> Parse:
        if argument:
            raise ValueError(f"this type takes no argument, and not {argument!r}")
        return parse

    return made


# By the name of a type: what makes its parser, given its argument.
_TYPES: Final[dict[str, Callable[[str], Parse]]] = {
    "auto": _plain(auto),
    "binary": _binary,
    "boolean": _plain(_boolean),
    "date": _dates(go_dates),
    "date_go": _dates(go_dates),
    "date_ms": _dates(microsoft_dates),
    "date_oracle": _dates(oracle_dates),
    "decimal": _plain(_decimal),
    "double": _plain(_double),
    "int32": _plain(_integer(32)),
    "int64": _plain(_integer(64)),
    "string": _plain(lambda text: text),
}


def _typed(header: str) -> Column:
    found = _TYPED.fullmatch(header)
    if found is None:
        raise ValueError(f"could not parse type from header {header!r}; it is name.type() or name.type(argument)")
    name, type_name, argument = found.groups()
    if type_name not in _TYPES:
        raise ValueError(f"invalid type {type_name!r} in header {header!r}; it is one of {', '.join(_TYPES)}")
    argument = re.sub(r"\\(.?)", r"\1", argument)
    try:
        return Column(name, tuple(name.split(".")), type_name, _TYPES[type_name](argument))
    except ValueError as error:
        raise ValueError(f"header {header!r}: {error}") from None


def _check(names: Sequence[str], uses_array_indexes: bool) -> None:
    """errors: ValueError for names that make no document."""
    for name in names:
        if name.startswith((".", "$")) or name.endswith(".") or ".." in name:
            raise ValueError(f"field {name!r} cannot start with '.' or '$', end with '.', or contain '..'")
    seen: set[tuple[str, ...]] = set()
    for name in names:
        path = tuple(name.split("."))
        for other in seen:
            if other == path:
                raise ValueError(f"fields cannot be identical: {name!r}")
            if other[: len(path)] == path or path[: len(other)] == other:
                raise ValueError(f"fields {'.'.join(other)!r} and {name!r} are incompatible")
        seen.add(path)
    if uses_array_indexes:
        document: dict[str, Any] = {}
        for name in names:
            put(document, tuple(name.split(".")), 0, uses_array_indexes=True)


def put(document: dict[str, Any], parts: Sequence[str], value: Any, *, uses_array_indexes: bool) -> None:
    """Set the value at a path, with the documents (and arrays) on the way made where they are missing.

    errors   ValueError for an array index that is not the next one, and for a document where an array is
    """
    place: Any = document
    for depth, name in enumerate(parts):
        is_last = depth == len(parts) - 1
        inner: Any = value
        if not is_last:
            inner = [] if uses_array_indexes and is_index(parts[depth + 1]) else {}
        if type(place) is list:
            if not is_index(name) or int(name) > len(place) or (is_last and int(name) != len(place)):
                raise ValueError(
                    f"array index error with field {'.'.join(parts)!r}: "
                    "array indexes in fields must start from 0 and increase sequentially"
                )
            if int(name) == len(place):
                place.append(inner)
            following = place[int(name)]
        else:
            if is_last or name not in place:
                place[name] = inner
            following = place[name]
        if not is_last and type(following) is not type(inner):
            raise ValueError(f"field {'.'.join(parts)!r} is incompatible with another one")
        place = following


def is_index(name: str) -> bool:
    """Whether a part of a path counts the elements of an array."""
    return name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")

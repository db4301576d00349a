"""How the parts of a document read inside the error messages of updates."""

from __future__ import annotations

from typing import Any

from bson import Decimal128, Int64

from amongo.values.missing import MISSING
from amongo.values.wording import double_digits, element


def identity(document: dict[str, Any]) -> str:
    """The `_id` of a document, as messages name a document: `{_id: 1}`."""
    value = document.get("_id", MISSING)
    return "{no id}" if value is MISSING else "{" + element("_id", value) + "}"


_NUMBER_WORDS = {int: "NumberInt", Int64: "NumberLong", float: "NumberDouble", Decimal128: "NumberDecimal"}


def typed_number(value: Any) -> str:
    """A number with its type: `(NumberLong)5`."""
    return f"({_NUMBER_WORDS[type(value)]}){double_digits(value) if type(value) is float else value}"

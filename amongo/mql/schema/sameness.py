"""When two values are the same to a schema: `enum`, `uniqueItems`.

Numbers equal by value whatever their type, and documents whatever the order of their fields; a collation is not asked.
"""

from __future__ import annotations

from typing import Any

from amongo.values.key_bytes import key_bytes


def sameness_key(value: Any) -> bytes:
    """Bytes that are equal for two values if these are the same."""
    return key_bytes(_by_name(value))


def _by_name(value: Any) -> Any:
    """The value, with the fields of its documents in the order of their names."""
    kind = type(value)
    if kind is dict:
        return {name: _by_name(value[name]) for name in sorted(value)}
    if kind is list:
        return [_by_name(each) for each in value]
    return value

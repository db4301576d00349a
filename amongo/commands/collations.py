"""The `collation` option. Strings are compared by their bytes so far: the simple collation."""

from __future__ import annotations

from typing import Any

from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as errors

# Source: manual, Collation Document.
_FIELDS = {
    "locale": Field("string", required=True),
    "caseLevel": Field("bool"),
    "caseFirst": Field("string"),
    "strength": Field("integer", minimum=1, maximum=5, bound_code=2),
    "numericOrdering": Field("bool"),
    "alternate": Field("string"),
    "maxVariable": Field("string"),
    "normalization": Field("bool"),
    "backwards": Field("bool"),
    "version": Field("string"),
}
_VALUES = {
    "caseFirst": ("upper", "lower", "off"),
    "alternate": ("non-ignorable", "shifted"),
    "maxVariable": ("punct", "space"),
}


def refuse_collation(command: str, collation: dict[str, Any] | None) -> None:
    """Refuse every collation but the simple one: absent, {} or {locale: "simple"}.

    errors   WRONG_TYPE, UNKNOWN_FIELD, MISSING_FIELD, BAD_VALUE for a specification that is wrong; NOT_SUPPORTED_YET
             for one that is right
    """
    if not collation:
        return
    fields = parse_fields(f"{command}.collation", collation, _FIELDS, generic={})
    for name, allowed in _VALUES.items():
        if fields[name] is not None and fields[name] not in allowed:
            raise errors.NOT_ENUMERATED(value=fields[name], field=f"{command}.collation.{name}")
    if fields["locale"] != "simple":
        raise errors.NOT_SUPPORTED_YET(
            what=f"the collation '{fields['locale']}' of '{command}'", reason="it comes with the Language issue"
        )

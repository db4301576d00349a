"""What a geospatial index takes of a document: places, or nothing; anything else is refused.

The keys themselves are not made here: an entry says only that the document has a place. Source: manual, 2dsphere
Indexes, 2d Indexes.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.errors import geo as errors
from amongo.mql.geo.parse import Malformed, stored_geometry
from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING, Missing
from amongo.values.numbers import to_double
from amongo.values.paths import FieldPath, expand
from amongo.values.types import is_number
from amongo.values.wording import double_digits, shown

Document = dict[str, Any]

_NO_PLACE: Final = (type(None), Missing, Undefined)


def has_sphere_place(document: Document, path: FieldPath) -> bool:
    """Whether a document has a place of the sphere at a path of a 2dsphere index; null, missing and `[]` are none.

    errors   SPHERE_KEYS for a value that is no place
    """
    values = [value for value in expand(document, path, leaf_arrays=False) if value is not MISSING]
    if len(values) == 1 and (type(values[0]) in _NO_PLACE or values[0] in ([], {})):
        return False
    for value in values:
        try:
            geometry = stored_geometry(value)
        except Malformed as fault:
            raise errors.SPHERE_KEYS(document=shown(document), reason=fault) from None
        if geometry.big is not None:
            reason = f"can't index geometry with strict winding order {shown(value)}"
            raise errors.SPHERE_KEYS(document=shown(document), reason=reason)
        if not geometry.is_on_sphere:
            reason = f"can't project geometry into spherical CRS: {shown(value)}"
            raise errors.SPHERE_KEYS(document=shown(document), reason=reason)
    return bool(values)


def has_plane_place(document: Document, path: FieldPath, low: float, high: float) -> bool:
    """Whether a document has a coordinate pair, or an array of them, at the path of a 2d index.

    low, high   between which coordinates lie, both included
    errors      FLAT_NOT_LOCATION, FLAT_SINGLE, FLAT_NOT_PAIR, FLAT_OUTSIDE
    """
    found = False
    for value in expand(document, path, leaf_arrays=False):
        if type(value) not in (dict, list) or not value:
            continue
        items = list(value.values()) if type(value) is dict else value
        for location in [value] if is_number(items[0]) else items:
            if type(location) not in (dict, list):
                raise errors.FLAT_NOT_LOCATION()
            if location:
                _check_pair(document, location, low, high)
                found = True
    return found


def _check_pair(document: Document, location: Any, low: float, high: float) -> None:
    items = list(location.values()) if type(location) is dict else location
    if len(items) < 2:
        raise errors.FLAT_SINGLE(document=shown(document))
    if not all(map(is_number, items[:2])):
        raise errors.FLAT_NOT_PAIR(document=shown(document))
    if not all(low <= to_double(item) <= high for item in items[:2]):
        raise errors.FLAT_OUTSIDE(low=double_digits(low), high=double_digits(high), document=shown(document))

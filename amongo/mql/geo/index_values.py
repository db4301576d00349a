"""What a geospatial index takes of a document: places, or nothing; anything else is refused.

A place is known to its index by numbers: those of the squares that cover it. Source: manual, 2dsphere Indexes, 2d
Indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from amongo.errors import geo as errors
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.parse import Malformed, stored_geometry
from amongo.mql.geo.planar import Pair
from amongo.mql.geo.plane_grid import PlaneGrid
from amongo.mql.geo.squares import square_of
from amongo.runtime.limits import GEO_DOCUMENT_SQUARES
from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING, Missing
from amongo.values.numbers import to_double
from amongo.values.paths import FieldPath, expand
from amongo.values.types import is_number
from amongo.values.wording import double_digits, shown

Document = dict[str, Any]

_NO_PLACE: Final = (type(None), Missing, Undefined)


def sphere_numbers(document: Document, path: FieldPath) -> list[int]:
    """The numbers of the squares in which a document has its place at a path of a 2dsphere index, each once; none for
    a document without one: null, missing and `[]` are no places.

    errors   SPHERE_KEYS for a value that is no place
    """
    return list(dict.fromkeys(number for each in _sphere_places(document, path) for number in _squares(each)))


def _squares(geometry: Geometry) -> Iterator[int]:
    for point in geometry.points:
        yield square_of(point.cell).number
    if geometry.lines or geometry.polygons:
        wide = Geometry(lines=geometry.lines, polygons=geometry.polygons)
        for square in wide.squares(GEO_DOCUMENT_SQUARES):
            yield square.number


def _sphere_places(document: Document, path: FieldPath) -> list[Geometry]:
    found: list[Geometry] = []
    values = [value for value in expand(document, path, leaf_arrays=False) if value is not MISSING]
    if len(values) == 1 and (type(values[0]) in _NO_PLACE or values[0] in ([], {})):
        return found
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
        found.append(geometry)
    return found


def plane_numbers(document: Document, path: FieldPath, grid: PlaneGrid) -> list[int]:
    """The numbers of the squares in which a document has its coordinate pair, or an array of them, at the path of a 2d
    index, each once; none for a document without any.

    errors   FLAT_NOT_LOCATION, FLAT_SINGLE, FLAT_NOT_PAIR, FLAT_OUTSIDE
    """
    found: dict[int, None] = {}
    for value in expand(document, path, leaf_arrays=False):
        if type(value) not in (dict, list) or not value:
            continue
        items = list(value.values()) if type(value) is dict else value
        for location in [value] if is_number(items[0]) else items:
            if type(location) not in (dict, list):
                raise errors.FLAT_NOT_LOCATION()
            if location:
                found[grid.number(_checked_pair(document, location, grid))] = None
    return list(found)


def _checked_pair(document: Document, location: Any, grid: PlaneGrid) -> Pair:
    items = list(location.values()) if type(location) is dict else location
    if len(items) < 2:
        raise errors.FLAT_SINGLE(document=shown(document))
    if not all(map(is_number, items[:2])):
        raise errors.FLAT_NOT_PAIR(document=shown(document))
    x, y = to_double(items[0]), to_double(items[1])
    if not (grid.low <= x <= grid.high and grid.low <= y <= grid.high):
        low, high = double_digits(grid.low), double_digits(grid.high)
        raise errors.FLAT_OUTSIDE(low=low, high=high, document=shown(document))
    return x, y

"""What `$geoWithin` and `$geoIntersects` ask: a geometry, and how a place has to lie to it.

Source: manual, $geoWithin, $geoIntersects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from amongo.errors import geo as errors
from amongo.mql.geo import parse
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.parse import Malformed, stored_geometry
from amongo.values.wording import element, shown

Document = dict[str, Any]
Test = Callable[[Any], bool]

_SPECIFIERS: Final[Mapping[str, Callable[[Any], Geometry]]] = {
    "$geometry": parse.query_geometry,
    "$box": parse.box,
    "$polygon": parse.polygon,
    "$center": parse.center,
    "$centerSphere": parse.center_sphere,
}


def within_geometry(name: str, operators: Document) -> Geometry:
    """The geometry of `$geoWithin`, or `$within`, in which places have to lie.

    operators   the document of operators below the field, which holds nothing else
    errors      those of `amongo.errors.geo` under "$geoWithin, $geoIntersects"
    """
    geometry = _geometry(name, operators)
    if not geometry.has_inside:
        raise errors.WITHIN_NOTHING(operators=shown(operators))
    return geometry


def intersecting_geometry(name: str, operators: Document) -> Geometry:
    """The geometry of `$geoIntersects`, which places have to meet; operators and errors as for `within_geometry`."""
    geometry = _geometry(name, operators)
    if not geometry.is_on_sphere:
        raise errors.INTERSECT_FLAT(operators=shown(operators))
    return geometry


def _geometry(name: str, operators: Document) -> Geometry:
    if len(operators) > 1:
        raise errors.EXTRA_FIELD(element=element(*list(operators.items())[1]))
    operand = operators[name]
    if type(operand) is not dict:
        raise errors.GEOMETRY_NOT_OBJECT()
    geometry = None
    for specifier, value in operand.items():
        if geometry is not None and name == "$geoWithin":
            raise errors.SEVERAL_SHAPES(element=element(name, operand))
        if specifier != "$uniqueDocs":
            geometry = _specified(specifier, value)
    if geometry is None:
        raise errors.WITHOUT_GEOMETRY()
    return geometry


def _specified(specifier: str, value: Any) -> Geometry:
    read = _SPECIFIERS.get(specifier)
    if read is None or type(value) not in (dict, list):
        raise errors.UNKNOWN_SPECIFIER(element=element(specifier, value))
    try:
        return read(value)
    except Malformed as fault:
        raise errors.MALFORMED(reason=fault) from None


def place_test(relation: Callable[[Geometry], bool]) -> Test:
    """A test of a document's value: it is a geometry, and stands in this relation.

    A polygon with strict winding order in a document is found by nothing.
    """

    def test(value: Any) -> bool:
        kind = type(value)
        if kind is not dict and kind is not list:
            return False
        try:
            geometry = stored_geometry(value)
        except Malformed:
            return False
        return geometry.big is None and relation(geometry)

    return test

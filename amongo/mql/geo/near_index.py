"""Which index serves a question for what is near: without one there is no answer.

An index on the sphere serves GeoJSON points and `$nearSphere`; one on the plane serves old coordinate pairs. Source:
manual, $near, $nearSphere, $geoNear; 2dsphere Indexes, 2d Indexes, "key" of $geoNear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from amongo.errors import geo as errors
from amongo.mql.geo.near import NearQuery
from amongo.mql.geo.plane_grid import plane_grid
from amongo.values.wording import double_digits

Definition = Mapping[str, Any]

PLANE: Final = "2d"
SPHERE: Final = "2dsphere"


def near_index(
    namespace: str,
    indexes: Mapping[str, Definition],
    near: NearQuery,
    other_paths: Collection[str] = (),
    implied: Collection[str] = (),
) -> Definition:
    """The index that serves a question.

    indexes       of the collection, by name; or the one that is hinted
    other_paths   the fields that the rest of the filter speaks of: an index whose key begins with other fields serves
                  only a filter on those
    implied       names of partial indexes that have all documents of the filter
    errors        NEAR_WITHOUT_INDEX, NEAR_OUTSIDE_INDEX
    """
    path = near.path.text
    for kind in (PLANE, SPHERE):
        if kind == (PLANE if near.is_wrapping else "" if near.is_spherical else SPHERE):
            continue
        for definition in indexes.values():
            key = definition["key"]
            if key.get(path) != kind or definition.get("hidden"):
                continue
            if "partialFilterExpression" in definition and definition["name"] not in implied:
                continue
            names = list(key)
            if all(name in other_paths or key[name] == SPHERE for name in names[: names.index(path)]):
                _check_bounds(definition, kind, near)
                return definition
    raise errors.NEAR_WITHOUT_INDEX(
        namespace=namespace, path=path, most=f"{near.most:g}", spherical=int(near.is_in_radians)
    )


def _check_bounds(definition: Definition, kind: str, near: NearQuery) -> None:
    """Refuse a point beside the region of a 2d index."""
    if kind != PLANE:
        return
    grid = plane_grid(definition)
    if not all(grid.low <= coordinate <= grid.high for coordinate in near.point.pair):
        raise errors.NEAR_OUTSIDE_INDEX(low=double_digits(grid.low), high=double_digits(grid.high))


def only_geo_path(namespace: str, indexes: Mapping[str, Definition]) -> str:
    """The field that `$geoNear` measures where it is not named: that of the only 2d, else of the only 2dsphere index.

    errors   GEO_NEAR_SEVERAL_INDEXES, GEO_NEAR_NO_INDEX
    """
    for kind in (PLANE, SPHERE):
        found = list(_geo_paths(indexes, kind))
        if len(found) > 1:
            raise errors.GEO_NEAR_SEVERAL_INDEXES(kind=kind, namespace=namespace)
        if found:
            return found[0]
    raise errors.GEO_NEAR_NO_INDEX()


def _geo_paths(indexes: Mapping[str, Definition], kind: str) -> Iterator[str]:
    """The first field of each index of the kind."""
    for definition in indexes.values():
        path = next((name for name, value in definition["key"].items() if value == kind), None)
        if path is not None and not definition.get("hidden"):
            yield path

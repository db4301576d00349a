"""In which order the entries within bounds come.

A field that the bounds hold to one value does not matter to the order. A field with arrays gives the order of a sort
pattern only where all its values are in the bounds: a document sorts by its least or greatest element, whichever of
them the filter has found. Source: manual, Use Indexes to Sort Query Results; Multikey Indexes, "Sort Operations".
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from amongo.mql.sort_keys import SortPattern
from amongo.planner.bounds import Bounds, FieldBounds, IndexShape, Kind
from amongo.planner.bounds.intervals import OrderedIntervals
from amongo.planner.bounds.shape import has_places
from amongo.planner.bounds.wildcards import PATH_FIELD
from amongo.planner.stages import ScannedBounds
from amongo.values.order import Collator


def gives_order(shape: IndexShape, bounds: ScannedBounds, sort: SortPattern, collator: Collator | None) -> int:
    """1 or -1: the entries come in the order of a sort pattern, forwards or backwards; 0 if they do not.

    collator   of the query
    """
    if sort.keywords or shape.is_special:
        return 0
    wanted = [(".".join(path), order) for path, order in zip(sort.paths, sort.directions, strict=True)]
    constant = {each.name for each in bounds.fields if each.intervals.is_point and not each.is_multikey}
    place = direction = 0
    for field in bounds.fields:
        while place < len(wanted) and wanted[place][0] in constant:
            place += 1
        if place == len(wanted):
            break
        name, order = wanted[place]
        if field.name != name:
            if not field.intervals.is_point:
                return 0
            continue
        if not _sorts(field, shape, bounds, collator):
            return 0
        if direction not in (0, order * field.direction):
            return 0
        direction = order * field.direction
        place += 1
    if all(name in constant for name, _ in wanted[place:]):
        return direction or 1
    return 0


def _sorts(field: FieldBounds, shape: IndexShape, bounds: ScannedBounds, collator: Collator | None) -> bool:
    """Whether a field has its documents in the order in which they sort by it."""
    if field.name == PATH_FIELD or field.collator is not collator or has_places(field.name):
        return False
    if shape.wildcard is not None:
        return not shape.is_multikey
    own = next(each for each in shape.fields if each.path == field.name)
    if own.kind is not Kind.ORDERED:
        return False
    if not own.arrays:
        return True
    if shape.is_sparse and own.is_dotted:
        return False  # the elements without the field have no key
    first = own.path.partition(".")[0]
    others = [each for each in bounds.fields if each.name.partition(".")[0] == first]
    return all(each.intervals.is_everything for each in others)


def single_prefixes(bounds: Bounds, sort: SortPattern, most: int) -> list[Bounds]:
    """The bounds in parts, one for each choice of single values in the fields before those of a sort pattern.

    most     parts, at most; of more, none are made
    result   in the order of the index; [] where there are no several values
    """
    sorted_first = ".".join(sort.paths[0]) if sort.paths else ""
    choices: list[list[FieldBounds]] = []
    count = 1
    for field in bounds.fields:
        if field.name == sorted_first or not field.ranges or not field.intervals.is_points:
            break
        count *= len(field.ranges)
        if count > most:
            return []
        choices.append(_single(field))
    if count < 2:
        return []
    rest = bounds.fields[len(choices) :]
    return [replace(bounds, fields=(*chosen, *rest)) for chosen in product(*choices)]


def _single(field: FieldBounds) -> list[FieldBounds]:
    """The field with one of its intervals each, in the order of the index."""
    intervals = field.intervals.intervals if field.direction > 0 else tuple(reversed(field.intervals.intervals))
    return [
        field._replace(intervals=OrderedIntervals((interval,)), ranges=(one,))
        for interval, one in zip(intervals, field.ranges, strict=True)
    ]

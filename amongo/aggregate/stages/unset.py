"""$unset: fields that go."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages.project import Project, project
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.errors import pipeline as errors
from amongo.errors import query as query_errors
from amongo.values.paths import field_path


@stage("$unset")
def parse_unset(spec: Any, surroundings: Surroundings) -> Project:
    """Fields that go.

    spec     a path or an array of paths, at least one
    result   each document without these fields, also inside the elements of arrays on the way
    errors   UNSET_TYPE, UNSET_EMPTY, UNSET_ELEMENT_TYPE, UNSET_NUL, path errors, PATH_COLLISION
    source   manual, $unset
    """
    if type(spec) not in (str, list):
        raise errors.UNSET_TYPE()
    paths = [spec] if type(spec) is str else spec
    if not paths:
        raise errors.UNSET_EMPTY()
    if any(type(path) is not str for path in paths):
        raise errors.UNSET_ELEMENT_TYPE()
    if any("\0" in path for path in paths):
        raise errors.UNSET_NUL()
    return project(_excluding(paths), surroundings)


def _excluding(paths: list[str]) -> dict[str, int]:
    """The exclusion of these paths.

    errors   PATH_COLLISION for a path that is written twice
    """
    spec: dict[str, int] = {}
    for path in paths:
        if path in spec:
            raise query_errors.PATH_COLLISION(path=path)
        spec[field_path(path).text] = 0
    return spec

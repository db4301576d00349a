"""Fields that a command's document has twice. A dict cannot show them, so they are looked for in the bytes.

Nearly no document has any: whether one does is seen by encoding once more what was decoded, which comes out shorter
then. Only such a document is decoded again, in a way that notes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.codec import encode_in_order

Refuse = Callable[[str, str], ServerError]


class _Noting(dict[str, Any]):
    """A document that notes the first field that it is given twice."""

    repeated: str | None = None

    def __setitem__(self, name: str, value: Any) -> None:
        if self.repeated is None and name in self:
            self.repeated = name
        super().__setitem__(name, value)


_NOTING: Final[CodecOptions[Any]] = CodecOptions(
    document_class=_Noting, datetime_conversion=DatetimeConversion.DATETIME_MS
)


def _duplicate(name: str, field: str) -> ServerError:
    return errors.DUPLICATE_FIELD(command=name, field=field)


def _of_sort(name: str, field: str) -> ServerError:
    return pipeline_errors.SORT_DUPLICATE(field=field)


def _of_cached_plans(name: str, field: str) -> ServerError:
    return errors.FAILED_TO_PARSE(message=f"{name} parameter {field} was given twice")


_REFUSED: Final[dict[str, Refuse]] = {
    "$sort": _of_sort,
    "$planCacheStats": _of_cached_plans,
    **dict.fromkeys(
        (
            *("$changeStream", "$densify", "$fill", "$lookup", "$merge", "$rankFusion", "$score", "$scoreFusion"),
            *("$setWindowFields", "$unionWith"),
        ),
        _duplicate,
    ),
}
"""What a stage says of a field that its specification has twice; in others the last one counts."""


def check_aggregate(raw: bytes, document: dict[str, Any]) -> None:
    """Refuse repeated fields in the specifications of stages, in sub-pipelines too.

    raw        the bytes of an aggregate command
    document   what was decoded of them
    errors     SORT_DUPLICATE, DUPLICATE_FIELD, FAILED_TO_PARSE
    """
    if len(encode_in_order(document)) == len(raw):
        return
    for name, spec in _stages(bson.decode(raw, _NOTING).get("pipeline")):
        if type(spec) is _Noting and spec.repeated is not None and name in _REFUSED:
            raise _REFUSED[name](name, spec.repeated)


def _stages(pipeline: Any) -> Iterator[tuple[str, Any]]:
    """(name, specification) of the stages of a pipeline and of those in it, as far as these are pipelines."""
    for stage in pipeline if type(pipeline) is list else ():
        for name, spec in stage.items() if type(stage) is _Noting else ():
            yield name, spec
            if type(spec) is _Noting:
                for inner in spec.values() if name == "$facet" else (spec.get("pipeline"),):
                    yield from _stages(inner)

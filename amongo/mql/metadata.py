"""What is known of a document beside its fields: the keywords of `$meta`, and where documents carry it.

Source: manual, $meta.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# The others are the server's own.
META_KEYWORDS: Final = frozenset(
    {
        "textScore",
        "indexKey",
        "recordId",
        "sortKey",
        "randVal",
        "geoNearDistance",
        "geoNearPoint",
        "searchScore",
        "searchHighlights",
        "searchScoreDetails",
        "searchSequenceToken",
        "searchRootDocumentId",
        "vectorSearchScore",
        "timeseriesBucketMinTime",
        "timeseriesBucketMaxTime",
        "score",
        "scoreDetails",
        "stream",
    }
)


CARRIED: Final[Mapping[str, str]] = {
    "textScore": "double: how well the document matches a text search",
    "geoNearDistance": "double: how far the place of the document is that is nearest",
    "geoNearPoint": "that place",
    "score": "double: of a $rankFusion, $scoreFusion or $score",
    "scoreDetails": "document: how that came about",
    "indexKey": "document: the key in the index by which the document was found",
}
"""What a search finds out, and documents carry on their way."""

ABSENT: Final = frozenset({"searchScore", "searchHighlights", "searchScoreDetails", "vectorSearchScore", "randVal"})
"""What documents in a pipeline do not carry: it is missing there, as on the server without a search or a random order
that would tell it."""


def asked_keywords(spec: Any) -> frozenset[str]:
    """The keywords of all `$meta`s in a projection, a stage or a pipeline."""
    if type(spec) is list:
        return frozenset[str]().union(*map(asked_keywords, spec))
    if type(spec) is not dict or "$literal" in spec:
        return frozenset()
    if len(spec) == 1 and type(keyword := spec.get("$meta")) is str:
        return frozenset({keyword})
    return frozenset[str]().union(*map(asked_keywords, spec.values()))


def without_metadata(document: Any) -> Any:
    """A document without the metadata that it carries; any other value as it is."""
    if type(document) is not dict:
        return document
    return {name: value for name, value in document.items() if not name.startswith("\0")}


def metadata_field(keyword: str) -> str:
    """The name under which a document on its way holds metadata: none that a field can have."""
    return "\0" + keyword

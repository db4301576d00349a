"""$changeStreamSplitLargeEvent: an event that is too large is delivered in fragments.

As on the server, the fields of the event are put into fragments from the smallest to the largest, as many into each as
there is room for; a field is not divided. Source: manual, $changeStreamSplitLargeEvent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from amongo.errors import streams as errors
from amongo.runtime.limits import COMMAND_BYTES
from amongo.streams.tokens import NO_FRAGMENT, ResumeToken
from amongo.values.codec import encode_in_order
from amongo.values.wording import element

EVENT_BYTES: Final = COMMAND_BYTES - 8 * 1024
"""A larger event is split."""
_MIB: Final = 1024 * 1024

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """What is delivered: a whole event, or a fragment of one.

    token   to resume behind it
    """

    token: ResumeToken
    document: Document


class Splitter:
    """Splits the events of one stream.

    resumed   the token that the stream was resumed with; that of a fragment leaves out those up to it
    """

    def __init__(self, resumed: ResumeToken | None = None, limit_bytes: int = EVENT_BYTES) -> None:
        self._resumed = None if resumed is None or resumed.fragment == NO_FRAGMENT else resumed
        self._limit_bytes = limit_bytes

    def fragments(self, token: ResumeToken, document: Document) -> list[Fragment]:
        """The event as it is, or in fragments.

        token      of the event
        document   the event behind the pipeline
        errors     FRAGMENT_TOO_LARGE for a field that is too large by itself; SPLIT_NOTHING, SPLIT_IS_NONE,
                   SPLIT_IS_OTHER
        """
        resumed, self._resumed = self._resumed, None
        skipped = resumed.fragment + 1 if resumed is not None and resumed.whole == token else 0
        if len(encode_in_order(document)) <= self._limit_bytes:
            if skipped:
                raise errors.SPLIT_IS_NONE()
            return [Fragment(token, document)]
        parts = self._parts(document, len(encode_in_order(token.as_document())))
        if skipped >= len(parts) and skipped:
            if skipped == len(parts):
                return []
            raise errors.SPLIT_IS_OTHER()
        made = []
        for number, part in enumerate(parts):
            place = token._replace(fragment=number)
            split = {"fragment": number + 1, "of": len(parts)}
            made.append(Fragment(place, {"_id": place.as_document(), "splitEvent": split, **part}))
        return made[skipped:]

    def _parts(self, document: Document, token_bytes: int) -> list[Document]:
        """The fields of each fragment.

        errors   FRAGMENT_TOO_LARGE, SPLIT_NOTHING
        """
        sizes = {name: len(encode_in_order({name: value})) - 5 for name, value in document.items() if name != "_id"}
        if not sizes:
            raise errors.SPLIT_NOTHING()
        limit = self._limit_bytes - token_bytes
        start = len(encode_in_order({"_id": {"_data": "0" * 48}, "splitEvent": {"fragment": 1, "of": 0}}))
        parts: list[Document] = []
        filled = limit + 1
        for name in sorted(sizes, key=lambda name: (sizes[name], name.encode())):
            if not parts or filled + sizes[name] > limit:
                parts.append({})
                filled = start
            parts[-1][name] = document[name]
            filled += sizes[name]
            if filled > limit:
                raise errors.FRAGMENT_TOO_LARGE(size=filled, limit=limit)
        return parts


def check_size(document: Document, raw: bytes) -> None:
    """Refuse an event that is too large to be delivered whole.

    raw      the document, encoded
    errors   EVENT_TOO_LARGE
    """
    if len(raw) > COMMAND_BYTES:
        name, value = next(iter(document.items()))
        raise errors.EVENT_TOO_LARGE(
            size=len(raw), limit=COMMAND_BYTES, limit_mb=COMMAND_BYTES // _MIB, first=element(name, value)
        )

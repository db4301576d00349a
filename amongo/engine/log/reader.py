"""Reading one log file: its frames in order, up to the first byte that does not verify.

`FileReader` says where and why it ended. What that means — a torn tail or damage — needs the other files as well and
is judged in `recovery`. `find_frame` and `find_marks` look for what still verifies behind a bad place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amongo.engine.log.format import (
    COMMIT,
    FRAME_HEADER_BYTES,
    FRAME_LAYOUT,
    HEADER_BYTES,
    MARK,
    MARK_PAYLOAD_BYTES,
    BadHeader,
    Frame,
    Header,
    Mark,
    looks_like_commit,
    parse_frame,
    parse_header,
    parse_mark,
)
from amongo.runtime.limits import FRAME_BYTES

_KIND_OFFSET = FRAME_LAYOUT.offset("kind")


@dataclass(frozen=True, slots=True)
class Damage:
    """The first place of a file that does not verify.

    file     name of the log file
    offset   in bytes from the file's start
    reason   what is wrong there
    """

    file: str
    offset: int
    reason: str


class FileReader:
    """The frames of one log file.

    name            for messages
    raw, content    the file's bytes, and a view of them
    last_sequence   of the last commit before the file; grows with the commits read
    header          None if it does not verify
    position        end of the last frame that verified
    mark            the furthest mark read
    damage          set when iteration ends before the end of the content
    """

    def __init__(self, name: str, raw: bytes, number: int, last_sequence: int = 0) -> None:
        self.name = name
        self.raw = raw
        self.content = memoryview(raw)
        self.last_sequence = last_sequence
        self.header: Header | None = None
        self.position = 0
        self.mark: Mark | None = None
        self.damage: Damage | None = None
        try:
            header = parse_header(self.content, name)
            if header.file_number != number:
                raise BadHeader(f"the file header belongs to file number {header.file_number}")
        except BadHeader as error:
            self.damage = Damage(name, 0, str(error))
        else:
            self.header = header
            self.position = HEADER_BYTES

    def __iter__(self) -> Iterator[Frame]:
        """Every frame that verifies, up to the first that does not."""
        while self.damage is None and self.position < len(self.content):
            frame = parse_frame(self.content, self.position, FRAME_BYTES)
            reason = frame if isinstance(frame, str) else self._misplaced(frame)
            if reason is not None or isinstance(frame, str):
                self.damage = Damage(self.name, self.position, reason or "")
                return
            self.position += FRAME_HEADER_BYTES + len(frame.payload)
            if frame.kind == MARK:
                self.mark = parse_mark(frame.payload)
            else:
                self.last_sequence = frame.sequence
            yield frame

    def _misplaced(self, frame: Frame) -> str | None:
        """Why a frame that verifies cannot stand here; None if it can."""
        if frame.kind == COMMIT:
            if frame.sequence <= self.last_sequence:
                return f"the sequence {frame.sequence} is not after {self.last_sequence}"
        elif len(frame.payload) != MARK_PAYLOAD_BYTES:
            return "a mark of the wrong length"
        return None


def find_frame(raw: bytes, start: int, after_sequence: int) -> tuple[int, Frame] | None:
    """The first commit at or behind `start` that verifies and has a sequence over `after_sequence`, with its offset.

    Looks at every byte offset, for there is no telling where the next frame begins behind a damaged length.
    """
    content = memoryview(raw)
    # The two high bytes of a wall time are zero until the year 10889, and the kind follows them.
    signature = bytes((0, 0, COMMIT))
    at = raw.find(signature, start + _KIND_OFFSET - 2)
    while at >= 0:
        offset = at + 2 - _KIND_OFFSET
        if looks_like_commit(content, offset, after_sequence):
            frame = parse_frame(content, offset, FRAME_BYTES)
            if not isinstance(frame, str) and frame.sequence > after_sequence:
                return offset, frame
        at = raw.find(signature, at + 1)
    return None


def find_marks(raw: bytes, start: int, store_uuid: bytes) -> Iterator[Mark]:
    """Every mark of this store at or behind `start` that verifies."""
    content = memoryview(raw)
    at = raw.find(store_uuid, start)
    while at >= 0:
        offset = at - FRAME_HEADER_BYTES
        if offset >= start:
            frame = parse_frame(content, offset, MARK_PAYLOAD_BYTES)
            if not isinstance(frame, str) and frame.kind == MARK and len(frame.payload) == MARK_PAYLOAD_BYTES:
                yield parse_mark(frame.payload)
        at = raw.find(store_uuid, at + 1)

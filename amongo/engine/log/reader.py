"""Reading one log file: its frames in order, up to the first byte that does not verify.

`FileReader` says where and why it ended. What that means — a torn tail or damage — needs the other files as well and
is judged in `recovery`. Zeros from the last frame to the end of the file are neither: they are space that was reserved.
`find_frame` and `find_marks` look for what still verifies behind a bad place.
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
    written_end,
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
    raw             the file's bytes from `base` on
    base            0, or where reading begins; the places below count from the file's start
    end             where the zeros begin that reach to the file's end; its length if there are none
    last_sequence   of the last commit before the file; grows with the commits read
    header          None if it does not verify
    position        end of the last frame that verified
    mark            the furthest mark read
    damage          set when iteration ends before anything but zeros
    """

    def __init__(
        self, name: str, raw: bytes, number: int, last_sequence: int = 0, *, base: int = 0, block: bytes | None = None
    ) -> None:
        """block: the bytes of the file's header, where reading begins behind it."""
        self.name = name
        self.raw = raw
        self.base = base
        self.end = base + written_end(raw)
        self.last_sequence = last_sequence
        self.header: Header | None = None
        self.position = 0
        self.mark: Mark | None = None
        self.damage: Damage | None = None
        try:
            header = parse_header(raw if block is None else block, name)
            if header.file_number != number:
                raise BadHeader(f"the file header belongs to file number {header.file_number}")
        except BadHeader as error:
            self.damage = Damage(name, 0, str(error))
        else:
            self.header = header
            self.position = max(HEADER_BYTES, base)

    def __iter__(self) -> Iterator[Frame]:
        """Every frame that verifies, up to the first that does not."""
        raw, base = self.raw, self.base
        size = base + len(raw)
        while self.damage is None and self.position < size:
            frame = parse_frame(raw, self.position - base, FRAME_BYTES)
            if isinstance(frame, str):
                if self.position < self.end:
                    self.damage = Damage(self.name, self.position, frame)
                return
            sequence, _, kind, payload = frame
            if kind == COMMIT:
                if sequence <= self.last_sequence:
                    reason = f"the sequence {sequence} is not after {self.last_sequence}"
                    self.damage = Damage(self.name, self.position, reason)
                    return
                self.last_sequence = sequence
            elif len(payload) == MARK_PAYLOAD_BYTES:
                self.mark = parse_mark(payload)
            else:
                self.damage = Damage(self.name, self.position, "a mark of the wrong length")
                return
            self.position += FRAME_HEADER_BYTES + len(payload)
            yield frame


def find_frame(raw: bytes, start: int, after_sequence: int) -> tuple[int, Frame] | None:
    """The first commit at or behind `start` that verifies and has a sequence over `after_sequence`, with its offset.

    Looks at every byte offset, for there is no telling where the next frame begins behind a damaged length.
    """
    # The two high bytes of a wall time are zero until the year 10889, and the kind follows them.
    signature = bytes((0, 0, COMMIT))
    at = raw.find(signature, start + _KIND_OFFSET - 2)
    while at >= 0:
        offset = at + 2 - _KIND_OFFSET
        if looks_like_commit(raw, offset, after_sequence):
            frame = parse_frame(raw, offset, FRAME_BYTES)
            if not isinstance(frame, str) and frame.sequence > after_sequence:
                return offset, frame
        at = raw.find(signature, at + 1)
    return None


def find_marks(raw: bytes, start: int, store_uuid: bytes) -> Iterator[Mark]:
    """Every mark of this store at or behind `start` that verifies."""
    at = raw.find(store_uuid, start)
    while at >= 0:
        offset = at - FRAME_HEADER_BYTES
        if offset >= start:
            frame = parse_frame(raw, offset, MARK_PAYLOAD_BYTES)
            if not isinstance(frame, str) and frame.kind == MARK and len(frame.payload) == MARK_PAYLOAD_BYTES:
                yield parse_mark(frame.payload)
        at = raw.find(store_uuid, at + 1)

"""The commits of a damaged log that verify, also behind bad places, and an account of what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from amongo.engine.checkpoints import place_of
from amongo.engine.fitting import Fitting
from amongo.engine.log.format import (
    COMMIT,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    Frame,
    Mark,
    file_name,
)
from amongo.engine.log.reader import Damage, FileReader, find_frame
from amongo.engine.log.recovery import Recovery
from amongo.engine.salvage import Loss, SalvagedCheckpoint
from amongo.errors import ServerError


class SalvagedLog:
    """The commits of a log that verify, in order, and an account of them and of what is lost.

    headers   of its files; None for one that does not verify
    """

    def __init__(self, recovery: Recovery, checkpoint: SalvagedCheckpoint | None) -> None:
        """checkpoint: the commits behind it are wanted; None for all."""
        self.headers = [
            FileReader("", recovery.read(number, HEADER_BYTES), number).header for number in recovery.numbers
        ]
        self.losses: list[Loss] = []
        self.frames = self.entries = self.frame_bytes = 0
        self._recovery = recovery
        self._after = 0 if checkpoint is None else checkpoint.manifest.sequence
        self._covered = self._after  # what is missing before it is no loss
        collections: dict[bytes, tuple[str, int]] = {}
        known: Mapping[bytes, int] = {}
        if checkpoint is not None:
            known = checkpoint.known
            self._covered = max(self._after, *known.values()) if known else self._after
            for each in checkpoint.manifest.collections:
                collections[each.uuid] = each.namespace, each.next_record_id
        self._fitting = Fitting(collections, known)
        self._start = Mark(0, 0) if checkpoint is None else place_of(checkpoint.manifest)

    def __iter__(self) -> Iterator[Frame]:
        before: SalvagedLogFile | None = None
        last_sequence = 0
        first = self.headers[0] if self.headers else None
        if first is not None:
            last_sequence = first.first_sequence - 1 if not self._after else 0
        last_number = self._recovery.numbers[-1] if self.headers else self._start.file_number - 1
        if self._start.file_number > last_number:
            self.losses += _missing_files(last_number, self._start.file_number + 1)
        for number, header in zip(self._recovery.numbers, self.headers, strict=True):
            if number < self._start.file_number:
                continue
            if before is not None and number > before.number + 1:
                self.losses += _missing_files(before.number, number)
            elif before is not None and not before.losses and header and header.first_sequence > last_sequence + 1:
                self.losses.append(before.early_end())
            elif before is None and self._after and header and header.first_sequence > self._covered + 1:
                self.losses.append(Loss(file_name(number), 0, 0, "the commits before this file are missing"))
            before = salvage = SalvagedLogFile(self._recovery, number, last_sequence)
            for frame in salvage:
                last_sequence = frame.sequence
                fitted = self._fitting.fitted(frame) if frame.sequence > self._after else None
                if frame.sequence > self._after:
                    self.losses += [
                        Loss(salvage.name, salvage.offset, 0, problem) for problem in self._fitting.problems
                    ]
                if fitted is not None:
                    frame = fitted
                    self.frames += 1
                    self.entries += len(frame.entries())
                    self.frame_bytes += FRAME_HEADER_BYTES + len(frame.payload)
                    yield frame
            is_start = number == self._start.file_number
            covered = self._start.offset if is_start else 0
            self.losses += [loss for loss in salvage.losses if loss.offset + loss.lost_bytes > covered or not covered]


def _missing_files(before: int, number: int) -> Iterator[Loss]:
    """A loss for each file that should stand between two."""
    for missing in range(before + 1, number):
        yield Loss(file_name(missing), 0, 0, "the file is missing")


class SalvagedLogFile:
    """The commits of one log file that verify, also behind bad places, and an account of both."""

    def __init__(self, recovery: Recovery, number: int, last_sequence: int) -> None:
        self.name = file_name(number)
        self.raw = recovery.read(number)
        self.damage: Damage | None = None
        self.losses: list[Loss] = []
        self.frames = 0
        self.entries = 0
        self.frame_bytes = 0
        self.number = number
        self.offset = 0  # of the last commit that was taken
        self._end = 0
        self._last_sequence = last_sequence

    def __iter__(self) -> Iterator[Frame]:
        reader = FileReader(self.name, self.raw, self.number, self._last_sequence)
        if reader.header is None:
            reader.position = min(HEADER_BYTES, reader.end)  # the frames may verify all the same
            self._lose(reader.damage, reader.position)
            reader.damage = None
        while True:
            for frame in reader:
                if frame.kind == COMMIT and self._take(frame, reader.position):
                    yield frame
            if reader.damage is None:
                self._end = reader.position
                return
            found = find_frame(self.raw, reader.position + 1, reader.last_sequence)
            reader.position = reader.end if found is None else found[0]
            self._lose(reader.damage, reader.position)
            reader.damage = None

    def early_end(self) -> Loss:
        """The loss of frames that the next file follows on, with nothing but zeros, or nothing, in their place."""
        return Loss(self.name, self._end, len(self.raw) - self._end, "the file ends early, frames are missing")

    def _lose(self, damage: Damage | None, end: int) -> None:
        """Account for the bytes from a bad place up to where reading goes on."""
        if damage is not None:
            self.damage = self.damage or damage
            self.losses.append(Loss(damage.file, damage.offset, end - damage.offset, damage.reason))

    def _take(self, frame: Frame, end: int) -> bool:
        """Whether a commit's entries parse; counts it then, and its loss otherwise."""
        frame_bytes = FRAME_HEADER_BYTES + len(frame.payload)
        try:
            entries = sum(1 for _ in frame.entries())
        except ServerError as error:
            self._lose(Damage(self.name, end - frame_bytes, error.message), end)
            return False
        self.frames += 1
        self.entries += entries
        self.frame_bytes += frame_bytes
        self.offset = end - frame_bytes
        return True

"""Looking at a store at rest, and salvaging a damaged one.

`check` reads every log file and every snapshot file and reports; `repair` writes every commit that still verifies into
a new directory. Where the log does not reach back to the store's beginning, or is damaged, the checkpoint comes first:
what verifies of its documents, as commits (`salvage`); where the MANIFEST is lost, what the rows files say of
themselves (`remnants`). What the log goes on with is made to fit (`fitting`), so that the new store opens. Both keep
owners away while they read and change nothing in the store they look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from amongo.engine.checkpoints import place_of
from amongo.engine.files import LOCK_NAME, DiskFiles, Files
from amongo.engine.log.format import (
    COMMIT,
    FORMAT_VERSION,
    HEADER_BYTES,
    LOG_DIRECTORY,
    MARK,
    Frame,
    Header,
    file_name,
    pack_frame,
    pack_header,
    pack_mark,
)
from amongo.engine.log.log import random_uuid
from amongo.engine.log.reader import Damage, FileReader
from amongo.engine.log.recovery import Cut, Recovery, reason_of
from amongo.engine.remnants import remnants_of
from amongo.engine.salvage import Loss, SalvagedCheckpoint
from amongo.engine.salvaged_log import SalvagedLog, SalvagedLogFile
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.engine.snapshots import DIRECTORY, Manifest, SnapshotReport, has_snapshot_files, inspect, read_manifest
from amongo.engine.snapshots.format import MANIFEST_NAME
from amongo.errors import ErrorCode, ServerError, storage
from amongo.runtime.clock import SYSTEM_CLOCK, Clock


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one log file holds.

    name             within the log directory
    file_bytes       its length
    frames           commits that verify, also behind damage
    entries          in those commits
    frame_bytes      of those commits, with their headers
    first_sequence   of the first and last of them; None without one
    last_sequence
    damage           the first place that does not verify; None if all does
    damaged_bytes    that belong to no frame that verifies
    """

    name: str
    file_bytes: int
    frames: int
    entries: int
    frame_bytes: int
    first_sequence: int | None
    last_sequence: int | None
    damage: Damage | None
    damaged_bytes: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` has found.

    path        the store
    files       a report for each log file, in order
    snapshots   a report for each file of the checkpoint
    refusal     why the store does not open, or opens without its checkpoint; None if it does
    cut         the torn tail that opening the store would cut off; None if there is none
    """

    path: str
    files: tuple[FileReport, ...]
    snapshots: tuple[SnapshotReport, ...]
    refusal: str | None
    cut: Cut | None

    @property
    def is_sound(self) -> bool:
        """Whether the store opens and all can be read; a torn tail that is cut then is nothing that was promised, and
        columns that are lost are made anew."""
        return self.refusal is None and all(each.damage is None or not each.is_needed for each in self.snapshots)


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What `repair` has done.

    source, target   the damaged store and the new one
    documents        of a checkpoint, salvaged as commits; 0 where the log is enough
    frames           commits of the log salvaged
    entries          in them
    frame_bytes      of them, with their headers
    losses           what was left behind, in order; a lost commit may have created what later ones write to
    not_copied       names in the store that nothing was taken from
    """

    source: str
    target: str
    documents: int
    frames: int
    entries: int
    frame_bytes: int
    losses: tuple[Loss, ...]
    not_copied: tuple[str, ...]


def check(path: str, *, files: Files | None = None) -> CheckReport:
    """Report on the store in a directory. Changes nothing.

    errors   STORE_NOT_FOUND, STORE_PATH_IS_FILE, STORE_IN_USE, STORE_FORMAT_NEWER, STORE_UNREADABLE
    """
    files = files or DiskFiles()
    lock = files.lock(path, shared=True)
    try:
        recovery = Recovery(path, files)
        has_manifest = files.exists(os.path.join(path, MANIFEST_NAME))
        if not (recovery.numbers or has_manifest):
            if not has_snapshot_files(files, path):
                raise storage.STORE_NOT_FOUND(path=path)
            return CheckReport(path, (), (), storage.STORE_WITHOUT_LOG(path=path).message, None)
        manifest, refusal = _manifest(path, files)
        try:
            frames = recovery.frames() if manifest is None else recovery.frames(manifest.sequence, place_of(manifest))
            for frame in frames:
                for _ in frame.entries():
                    pass
        except ServerError as error:
            if error.code != ErrorCode.DataCorruptionDetected:
                raise
            refusal = refusal or error.message
        cut = recovery.ending.cut if recovery.ending else None
        reports = tuple(_report(recovery, number) for number in recovery.numbers)
        return CheckReport(path, reports, inspect(files, path, manifest) if manifest else (), refusal, cut)
    finally:
        lock.release()


def _manifest(path: str, files: Files) -> tuple[Manifest | None, str | None]:
    """(the checkpoint of a store, what is wrong with its MANIFEST): None, None if there is none."""
    try:
        return read_manifest(files, path), None
    except ServerError as error:
        if error.code != ErrorCode.DataCorruptionDetected:
            raise
        return None, error.message


def _report(recovery: Recovery, number: int) -> FileReport:
    salvage = SalvagedLogFile(recovery, number, 0)
    sequences = [frame.sequence for frame in salvage]
    return FileReport(
        file_name(number),
        len(salvage.raw),
        salvage.frames,
        salvage.entries,
        salvage.frame_bytes,
        sequences[0] if sequences else None,
        sequences[-1] if sequences else None,
        salvage.damage,
        sum(loss.lost_bytes for loss in salvage.losses),
    )


def repair(
    source: str,
    target: str,
    *,
    files: Files | None = None,
    clock: Clock = SYSTEM_CLOCK,
    settings: Settings = DEFAULT_SETTINGS,
) -> RepairReport:
    """Write everything of `source` that verifies into a new store in `target`; `source` is not touched.

    If the log alone has all there was, it is taken; otherwise the checkpoint, and the log behind it. Commits keep
    their sequences, and the store its identity if a file header still tells it.

    errors   REPAIR_TARGET_NOT_EMPTY; what `check` raises; OUT_OF_DISK_SPACE, LOG_WRITE_FAILED
    """
    files = files or DiskFiles()
    lock = files.lock(source, shared=True)
    try:
        recovery = Recovery(source, files)
        if not (recovery.numbers or has_snapshot_files(files, source)):
            raise storage.STORE_NOT_FOUND(path=source)
        files.make_directory(target)
        if files.list(target):
            raise storage.REPAIR_TARGET_NOT_EMPTY(path=target)
        target_lock = files.lock(target)
        try:
            return _repair(recovery, source, target, files, clock, settings)
        finally:
            target_lock.release()
    finally:
        lock.release()


def _repair(
    recovery: Recovery, source: str, target: str, files: Files, clock: Clock, settings: Settings
) -> RepairReport:
    checkpoint, losses = _checkpoint(recovery, source, files)
    log = SalvagedLog(recovery, checkpoint)
    store_uuid = checkpoint.manifest.store_uuid if checkpoint is not None else _store_uuid(recovery)
    writer = _Writer(os.path.join(target, LOG_DIRECTORY), files, clock, settings, store_uuid)
    try:
        writer.begin()
        if checkpoint is not None:
            checkpoint.look_ahead(SalvagedLog(recovery, checkpoint))
            for frame in _frames(checkpoint):
                writer.write(frame)
        for frame in log:
            writer.write(frame)
        writer.end()
    except OSError as error:
        raise storage.LOG_WRITE_FAILED(file=writer.path, reason=reason_of(error)) from error
    taken = {LOCK_NAME, LOG_DIRECTORY} if checkpoint is None else {LOCK_NAME, LOG_DIRECTORY, MANIFEST_NAME, DIRECTORY}
    return RepairReport(
        source,
        target,
        0 if checkpoint is None else checkpoint.documents,
        log.frames,
        log.entries,
        log.frame_bytes,
        (*losses, *(checkpoint.losses if checkpoint is not None else ()), *log.losses),
        tuple(name for name in files.list(source) if name not in taken),
    )


def _checkpoint(recovery: Recovery, source: str, files: Files) -> tuple[SalvagedCheckpoint | None, list[Loss]]:
    """(the checkpoint to begin with; None where the log is enough, or all that there is; what is lost of it)."""
    manifest, damage = _manifest(source, files)
    if _is_whole(source, files, 0 if manifest is None else manifest.sequence):
        return None, []
    if manifest is not None:
        return SalvagedCheckpoint(files, source, manifest), []
    losses = []
    if damage is not None:
        losses.append(Loss(MANIFEST_NAME, 0, files.size(os.path.join(source, MANIFEST_NAME)), damage))
    remnants = remnants_of(files, source, _store_uuid(recovery))
    if remnants is None:
        return None, losses
    losses += [Loss(each, 0, 0, "nothing tells whose documents these are") for each in remnants.unreadable]
    return SalvagedCheckpoint(files, source, remnants.manifest, remnants.known), losses


def _is_whole(source: str, files: Files, sequence: int) -> bool:
    """Whether the log has every commit from the first to that of this sequence at least, and no damage."""
    recovery = Recovery(source, files)
    last_sequence = 0
    try:
        for frame in recovery.frames():
            last_sequence = frame.sequence
    except ServerError as error:
        if error.code != ErrorCode.DataCorruptionDetected:
            raise
        return False
    return bool(recovery.numbers) and last_sequence >= sequence


def _store_uuid(recovery: Recovery) -> bytes:
    """The store's identity as a file header tells it, or a new one."""
    headers = (FileReader("", recovery.read(number, HEADER_BYTES), number).header for number in recovery.numbers)
    return next((header.store_uuid for header in headers if header), None) or random_uuid()


def _frames(checkpoint: SalvagedCheckpoint) -> Iterator[Frame]:
    """A checkpoint as commits, with sequences before its own: from the second before."""
    second = max((checkpoint.manifest.sequence >> 32) - 1, 0)
    for sequence, payload in enumerate(checkpoint.payloads(), (second << 32) + 1):
        yield Frame(sequence, second * 1000, COMMIT, payload)


class _Writer:
    """Writes commits that have their sequences already, as a log's files, each synced when it is full."""

    def __init__(self, directory: str, files: Files, clock: Clock, settings: Settings, store_uuid: bytes) -> None:
        self.last_sequence = 0
        self.path = directory
        self._directory = directory
        self._files = files
        self._clock = clock
        self._settings = settings
        self._store_uuid = store_uuid
        self._number = 0

    def begin(self) -> None:
        """Begin the next file."""
        if self._number == 0:
            self._files.make_directory(self._directory)
        self._number += 1
        self.path = os.path.join(self._directory, file_name(self._number))
        self._file = self._files.open_append(self.path, create=True)
        self._offset = HEADER_BYTES
        self._file.write(
            pack_header(
                Header(FORMAT_VERSION, self._number, self._store_uuid, self.last_sequence + 1, self._clock.now_ms())
            )
        )

    def write(self, frame: Frame) -> None:
        """Append one commit."""
        if self._offset >= self._settings.log_file_bytes:
            self.end()
            self.begin()
        block = pack_frame(frame.sequence, frame.wall_ms, frame.kind, bytes(frame.payload))
        self._file.write(block)
        self._offset += len(block)
        self.last_sequence = frame.sequence

    def end(self) -> None:
        """Make the file durable and close it with a mark that says so."""
        self._file.sync()
        mark = pack_mark(self._store_uuid, self._number, self._offset)
        self._file.write(pack_frame(self.last_sequence, self._clock.now_ms(), MARK, mark))
        self._file.sync()
        self._file.close()
        self._files.sync_directory(self._directory)

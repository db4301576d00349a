"""When the commits of a log are safe against power loss: fsyncs shared by all who wait.

One service thread makes the fsyncs: the next for all who wait, and one every `sync_interval_s` while anything is
unsynced. It never holds up who appends but for the moments in which it writes a mark or goes on to the next file.

Two locks: `guard`, under which frames are appended, belongs to the end of the log; the log's own, which
nobody holds for long, to those who wait. Who takes both takes `guard` first. The service reads the log's end without
the guard: a frame is written before `_offset` and `last_sequence` tell of it, so what these say is written at least.
"""

from __future__ import annotations

from collections.abc import Callable

from amongo.engine.files.interface import AppendFile
from amongo.engine.log.format import Mark
from amongo.engine.log.recovery import reason_of
from amongo.errors import ServerError, storage
from amongo.runtime.workers import Completion, Condition, Lock, RLock


class Durability:
    """The part of a log that knows how much of it is durable; `Log` is the other.

    guard           held by who appends
    last_sequence   cluster time of the last commit; 0 before the first
    """

    __slots__ = (
        "_changed",
        "_group",
        "_has_service",
        "_is_asked",
        "_is_closing",
        "_is_idle",
        "_lock",
        "_sync_error",
        "_sync_interval_s",
        "_synced_place",
        "_synced_sequence",
        "_told",
        "guard",
        "last_sequence",
    )

    def __init__(self, has_service: bool, sync_interval_s: float) -> None:
        self.guard = RLock()
        self.last_sequence = 0
        self._has_service = has_service
        self._sync_interval_s = sync_interval_s
        self._told: Callable[[], object] | None = None
        self._lock = Lock()
        self._changed = Condition(self._lock)
        # All below belongs to the log's own lock.
        self._synced_sequence = 0
        self._synced_place = Mark(0, 0)  # everything before it is durable
        self._group: Completion | None = None  # of all who wait for the next fsync
        self._is_asked = False  # whether somebody does wait for it
        self._sync_error: ServerError | None = None
        self._is_closing = False
        self._is_idle = False  # the service waits to be woken; set under both locks

    # What the log tells

    def _end(self) -> tuple[AppendFile, Mark, int]:
        """(current file, where it ends, last sequence): all before that has been written."""
        raise NotImplementedError

    def _is_full(self) -> bool:
        """Whether it is time for the next file."""
        raise NotImplementedError

    def _prepare_next(self) -> AppendFile | None:
        """The next file, empty, its name durable; None if there is no place for it now."""
        raise NotImplementedError

    def _switch(self, file: AppendFile) -> bool:
        """Go on in the next file, under the guard; False if it cannot be begun."""
        raise NotImplementedError

    def _discard(self, file: AppendFile, number: int) -> None:
        """Remove a next file that was not taken."""
        raise NotImplementedError

    def _write_mark(self, place: Mark) -> None:
        """Say in the log that it is durable up to a place, under the guard."""
        raise NotImplementedError

    def _refuse(self, reason: str) -> None:
        """Take no more frames, under the guard."""
        raise NotImplementedError

    def _current_path(self) -> str:
        """Path of the current file."""
        raise NotImplementedError

    # Waiting for it

    def durable(self, sequence: int) -> Completion:
        """Settled when the commit `sequence` and all before it would survive a power loss.

        All who wait share one fsync: the next to begin, after at most one that is under way. It begins when somebody
        waits, or when it is due anyway. Its failure fails them all with LOG_SYNC_FAILED, and every later call for what
        is not durable by then.
        """
        if sequence > self.last_sequence:
            raise ValueError(f"sequence {sequence} has not been handed out")
        group = self._group
        if group is not None:  # without the lock: whenever it is taken from here on, its fsync covers `sequence`
            return group
        with self._lock:
            is_durable = sequence <= self._synced_sequence
            if is_durable or self._sync_error is not None:
                completion = Completion()
            else:
                completion = self._group = self._group or Completion(self._ask)
        if is_durable:
            completion.set_result()
        elif self._sync_error is not None:
            completion.set_exception(self._sync_error)
        elif not self._has_service:
            self._sync_pass()
        return completion

    def sync_now(self) -> None:
        """Block until everything appended so far is durable; not under the guard. errors: LOG_SYNC_FAILED."""
        self.durable(self.last_sequence).wait_blocking()

    def sync_to(self, place: Mark) -> None:
        """Block until everything before a place is durable, marks and file headers too; not under the guard.

        errors   LOG_SYNC_FAILED
        """
        with self._lock:
            if place <= self._synced_place:
                return
            if self._sync_error is not None:
                raise self._sync_error
            completion = self._group = self._group or Completion(self._ask)
        if not self._has_service:
            self._sync_pass()
        completion.wait_blocking()

    def tell_of_new_files(self, told: Callable[[], object]) -> None:
        """Have `told` called, on the service's thread, whenever a file is full and the next was begun."""
        self._told = told

    # The service

    def _ask(self) -> None:
        """Somebody waits for the group."""
        with self._lock:
            if self._group is not None:
                self._is_asked = True
                self._rouse()

    def _wake(self) -> None:
        with self._lock:
            self._rouse()

    def _rouse(self) -> None:
        self._is_idle = False
        self._changed.notify()

    def _serve(self) -> None:
        """The service thread: fsync when someone waits, or when something has been unsynced for the interval."""
        try:
            while self._wait_for_work():
                self._sync_pass()
        except BaseException as error:  # who waits must hear of it, whatever it is
            self._fail_sync(repr(error), None)

    def _wait_for_work(self) -> bool:
        """Whether there is something to sync; False when the service is to end."""
        while True:
            with self._changed:
                if self._sync_error is not None:
                    return False
                if self._is_asked and self._group is not None:
                    return True
                if self._is_closing:
                    return self._has_work()
                if self._has_work() and self._is_full():
                    return True
                # As long as there is work now and then, the service looks for it by itself: no append has to wake it.
                if self._changed.wait(self._sync_interval_s):
                    continue
                if self._has_work():
                    return True
            with self.guard, self._lock:  # no append comes in between and finds nobody to wake
                self._is_idle = not (self._has_work() or self._is_closing)
            with self._changed:
                while self._is_idle:
                    self._changed.wait()

    def _has_work(self) -> bool:
        return self.last_sequence > self._synced_sequence or self._group is not None

    def _sync_pass(self) -> None:
        """One fsync for all who wait, and the next file if this one is full."""
        upcoming = self._prepare_next() if self._is_full() else None
        has_switched = False
        with self._lock:
            group, self._group, self._is_asked = self._group, None, False
        if upcoming is None:
            file, place, target = self._end()
        else:
            with self.guard:
                file, place, target = self._end()
                has_switched = self._switch(upcoming)
            if not has_switched:
                self._discard(upcoming, place.file_number + 1)
        try:
            file.sync()
        except OSError as error:
            self._fail_sync(reason_of(error), group)
            return
        except BaseException as error:
            self._fail_sync(repr(error), group)
            raise
        finally:
            if has_switched:
                file.close()
        with self._lock:
            is_new = target > self._synced_sequence
            self._synced_sequence, self._synced_place = target, place
        if group is not None:
            group.set_result()
        if has_switched or is_new:
            with self.guard:
                self._write_mark(Mark(place.file_number + 1, 0) if has_switched else place)
        if has_switched and self._told is not None:
            self._told()

    def _fail_sync(self, reason: str, group: Completion | None) -> None:
        """Nothing can be said of the unsynced bytes any more: fail who waits, take no more frames."""
        error = storage.LOG_SYNC_FAILED(file=self._current_path(), reason=reason)
        with self.guard:
            self._refuse(error.message)
        with self._lock:
            self._sync_error = error
            later, self._group = self._group, None
        for each in (group, later):
            if each is not None:
                each.set_exception(error)

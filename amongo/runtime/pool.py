"""Worker threads: at most `WORKER_THREADS` calls run at one time, in the order in which they came.

One pool serves all event loops of the process. Threads are started as they are needed and end when they have been idle
for a while. They are daemons: a program may end while they wait; who submits a call waits for its end.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from amongo.runtime.limits import WORKER_IDLE_S, WORKER_THREADS


class Job:
    """One call that is made on a worker thread, and what came of it.

    on_end     called on the worker thread after the call; for a job that was withdrawn too, if a worker gets to see it
    is_done    whether the call has ended
    result     what it has returned
    error      what it has raised; None if it has not
    """

    __slots__ = ("_arguments", "_call", "_claim", "_context", "error", "is_done", "on_end", "result")

    def __init__(self, call: Callable[..., Any], arguments: tuple[Any, ...], on_end: Callable[[], object]) -> None:
        self._call = call
        self._arguments = arguments
        self._context = copy_context()
        self._claim = threading.Lock()
        self.on_end = on_end
        self.is_done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def withdraw(self) -> bool:
        """Whether the call has not begun, and never will."""
        return self._claim.acquire(blocking=False)

    def perform(self) -> None:
        """Make the call, unless it was withdrawn."""
        if not self._claim.acquire(blocking=False):
            return
        try:
            self.result = self._context.run(self._call, *self._arguments)
        except BaseException as error:
            self.error = error
        self.is_done = True


class Pool:
    """The threads. `spare` is how many of them are idle, less the jobs in the queue; negative under a backlog.

    threads   that there are
    jobs      in the queue, or being performed
    """

    def __init__(self, most_threads: int = WORKER_THREADS, idle_s: float = WORKER_IDLE_S) -> None:
        self._most_threads = most_threads
        self._idle_s = idle_s
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._spare = 0
        self.threads = 0
        self.jobs = 0

    def submit(self, job: Job) -> None:
        """Have a worker perform the job. errors: RuntimeError when the system gives no thread at all."""
        with self._lock:
            self.jobs += 1
            self._spare -= 1
            needs_thread = self._spare < 0 and self.threads < self._most_threads
            if needs_thread:
                self.threads += 1
                self._spare += 1
        self._jobs.put(job)
        if needs_thread:
            self._start(job)

    def _start(self, job: Job) -> None:
        try:
            threading.Thread(target=self._work, name="amongo-worker", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self.threads -= 1
                self._spare -= 1
                has_others = self.threads > 0
            if not has_others and job.withdraw():
                raise

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_s)
            except queue.Empty:
                with self._lock:
                    if self._spare > 0:  # otherwise a job was put there meanwhile
                        self._spare -= 1
                        self.threads -= 1
                        return
                continue
            job.perform()
            with self._lock:
                self.jobs -= 1
                self._spare += 1  # before anybody hears of the end, and comes with the next job
            job.on_end()
            del job


POOL = Pool()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.__init__)  # type: ignore[misc]  # a child has none of the threads

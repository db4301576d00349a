"""The worker threads: how many there are, when they come and go."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from amongo.runtime.pool import Job, Pool

PATIENCE_S = 60  # how long a test waits for what has to happen


class Ends:
    """Counts the jobs that have ended, and waits for them."""

    def __init__(self) -> None:
        self._ends = threading.Semaphore(0)

    def job(self, call: Callable[..., object], *arguments: object) -> Job:
        return Job(call, arguments, self._ends.release)

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self._ends.acquire(timeout=PATIENCE_S)


def test_threads_are_started_as_needed_and_no_more_than_allowed() -> None:
    pool, ends, gate = Pool(3, 10.0), Ends(), threading.Event()
    running = threading.Semaphore(0)

    def work() -> None:
        running.release()
        gate.wait(PATIENCE_S)

    for _ in range(10):
        pool.submit(ends.job(work))
    for _ in range(3):
        assert running.acquire(timeout=PATIENCE_S)
    assert not running.acquire(timeout=0.02)
    assert pool.threads == 3
    gate.set()
    ends.wait(10)


def test_one_after_the_other_takes_one_thread() -> None:
    pool, ends = Pool(8, 10.0), Ends()
    for _ in range(20):
        pool.submit(ends.job(int))
        ends.wait(1)
    assert pool.threads == 1


def test_idle_threads_end_and_others_follow() -> None:
    pool, ends = Pool(4, 0.01), Ends()
    for _ in range(3):
        for _ in range(4):
            pool.submit(ends.job(time.sleep, 0.002))
        ends.wait(4)
        deadline = time.monotonic() + PATIENCE_S
        while pool.threads:
            assert time.monotonic() < deadline
            time.sleep(0.002)


def test_no_job_is_lost_while_threads_end() -> None:
    pool, ends = Pool(2, 0.0005), Ends()
    for number in range(300):
        pool.submit(ends.job(int))
        ends.wait(1)
        time.sleep(0.0005 if number % 3 else 0)


def test_jobs_are_performed_in_order() -> None:
    pool, ends = Pool(1, 10.0), Ends()
    seen: list[int] = []
    for number in range(50):
        pool.submit(ends.job(seen.append, number))
    ends.wait(50)
    assert seen == list(range(50))


def test_a_withdrawn_job_is_not_performed() -> None:
    pool, ends, gate, begun = Pool(1, 10.0), Ends(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(PATIENCE_S)

    first, second = ends.job(work), ends.job(int)
    pool.submit(first)
    assert begun.wait(PATIENCE_S)
    assert not first.withdraw()
    pool.submit(second)
    assert second.withdraw()
    gate.set()
    ends.wait(2)
    assert first.is_done and not second.is_done


def test_a_job_sees_the_context_of_who_made_it() -> None:
    from contextvars import ContextVar

    pool, ends = Pool(1, 10.0), Ends()
    name: ContextVar[str] = ContextVar("name")
    name.set("caller")
    job = ends.job(name.get)
    name.set("later")
    pool.submit(job)
    ends.wait(1)
    assert job.result == "caller"


FORKED = """
import os, anyio
from amongo.runtime.workers import run

async def main():
    assert await run(int) == 0

anyio.run(main)
child = os.fork()
if child == 0:
    anyio.run(main)
    os._exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7
"""


def test_a_forked_process_has_workers_of_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=PATIENCE_S)

"""SIGKILL among acknowledged writes: what was acknowledged must be there when the service is back."""

from time import perf_counter
from typing import Any

import anyio
import httpx

from examples.tour.screen import Screen, check
from examples.tour.service import Service
from examples.tour.visits import NEW_FLIGHT

WRITERS = 8
ACKNOWLEDGED = 300
WRITE_SECONDS = 15.0  # on a slow disk the kill does not wait longer for them
REQUEST_SECONDS = 60.0


async def crash(service: Service, screen: Screen, enough_writes: int = ACKNOWLEDGED) -> None:
    """Write with several clients at once, kill the service in the middle, start it again, look for every write.

    enough_writes   the service is killed once this many are acknowledged, with others on their way
    errors          StepFailed when an acknowledged write is missing, changed, or there is one that nobody sent
    """
    with screen.step("SIGKILL in the middle of acknowledged writes") as step:
        before = await _flights(service)
        progress = _Progress(enough_writes)
        async with anyio.create_task_group() as tasks:
            for _ in range(WRITERS):
                tasks.start_soon(_write, service.url, progress)
            with anyio.move_on_after(WRITE_SECONDS):
                await progress.is_enough.wait()
            exit_code = service.kill()
        acknowledged, sent = progress.acknowledged, progress.sent
        check(bool(acknowledged), "nothing was acknowledged before the kill")
        step.note = (
            f"{len(acknowledged)} writes acknowledged, {sent - len(acknowledged)} under way, exit code {exit_code}"
        )
    with screen.step("started again on what the disk has") as step:
        started = perf_counter()
        await service.start()
        after = await _flights(service)
        step.note = f"{after:,} flights, {perf_counter() - started:.2f} s until the first answer"
    with screen.step("every acknowledged write is there") as step:
        async with httpx.AsyncClient(base_url=service.url, timeout=REQUEST_SECONDS, trust_env=False) as http:
            for identifier, flight in acknowledged.items():
                found = await http.get(f"/flights/{identifier}")
                check(found.is_success and found.json() == flight, f"the acknowledged flight {identifier} is missing")
        check(before + len(acknowledged) <= after <= before + sent, f"{after} flights after {before} and {sent} writes")
        step.note = f"{len(acknowledged)} of {len(acknowledged)}"


class _Progress:
    """What the writers have sent, and what was acknowledged: the answers, by id."""

    def __init__(self, enough_writes: int) -> None:
        self.sent = 0
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.is_enough = anyio.Event()
        self._enough_writes = enough_writes

    def acknowledge(self, flight: dict[str, Any]) -> None:
        self.acknowledged[flight["id"]] = flight
        if len(self.acknowledged) >= self._enough_writes:
            self.is_enough.set()


async def _write(url: str, progress: _Progress) -> None:
    """POST flights, each with a number of its own, until the service is gone."""
    async with httpx.AsyncClient(base_url=url, timeout=REQUEST_SECONDS, trust_env=False) as http:
        while True:
            progress.sent += 1
            try:
                answer = await http.post("/flights", json=NEW_FLIGHT | {"tailnum": f"T{progress.sent}"})
            except httpx.TransportError:
                return
            check(answer.status_code == httpx.codes.CREATED, f"POST answers {answer.status_code}: {answer.text}")
            progress.acknowledge(answer.json())


async def _flights(service: Service) -> int:
    async with httpx.AsyncClient(base_url=service.url, timeout=REQUEST_SECONDS, trust_env=False) as http:
        number: int = (await http.get("/health")).json()["flights"]
        return number

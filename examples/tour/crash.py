"""SIGKILL among acknowledged writes: what was acknowledged must be there when the service is back."""

from itertools import count
from time import perf_counter
from typing import Any

import anyio
import httpx

from examples.tour.screen import Screen, check
from examples.tour.service import Service
from examples.tour.visits import NEW_FLIGHT

WRITERS = 8
ACKNOWLEDGED = 300  # the service is killed once this many writes are acknowledged, with others on their way
WRITE_SECONDS = 15.0  # or after this long, on a slow disk


async def crash(service: Service, screen: Screen) -> None:
    """Write with several clients at once, kill the service in the middle, start it again, look for every write.

    errors   StepFailed when an acknowledged write is missing, changed, or there is one that nobody sent
    """
    acknowledged: dict[str, dict[str, Any]] = {}
    numbers = count(1)
    with screen.step("SIGKILL in the middle of acknowledged writes") as step:
        before = await _flights(service)
        enough = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for _ in range(WRITERS):
                tasks.start_soon(_write, service.url, numbers, acknowledged, enough)
            with anyio.move_on_after(WRITE_SECONDS):
                await enough.wait()
            exit_code = service.kill()
        sent = next(numbers) - 1
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
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
            for identifier, flight in acknowledged.items():
                found = await http.get(f"/flights/{identifier}")
                check(found.is_success and found.json() == flight, f"the acknowledged flight {identifier} is missing")
        check(before + len(acknowledged) <= after <= before + sent, f"{after} flights after {before} and {sent} writes")
        step.note = f"{len(acknowledged)} of {len(acknowledged)}"


async def _write(url: str, numbers: "count[int]", acknowledged: dict[str, dict[str, Any]], enough: anyio.Event) -> None:
    """POST flights, each with a number of its own, until the service is gone."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while True:
            flight = NEW_FLIGHT | {"tailnum": f"T{next(numbers)}"}
            try:
                answer = await http.post("/flights", json=flight)
            except httpx.TransportError:
                return
            check(answer.status_code == httpx.codes.CREATED, f"POST answers {answer.status_code}: {answer.text}")
            acknowledged[answer.json()["id"]] = answer.json()
            if len(acknowledged) >= ACKNOWLEDGED:
                enough.set()


async def _flights(service: Service) -> int:
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        number: int = (await http.get("/health")).json()["flights"]
        return number

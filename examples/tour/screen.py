"""What the tour shows: a line for every step, with what came of it and how long it took."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class StepFailed(Exception):
    """Something that the tour shows did not hold."""


def check(holds: bool, what: str) -> None:
    """Go on if `holds`.

    errors   StepFailed, saying what should have been
    """
    if not holds:
        raise StepFailed(what)


class Step:
    """One step under way; `note` is shown when it is done."""

    note = ""


class Screen:
    """The terminal."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.has_held = False  # set when the last step held

    def heading(self, text: str) -> None:
        """Begin a group of steps."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]", soft_wrap=True)

    def say(self, text: str) -> None:
        """A line of its own, with rich's markup."""
        self.console.print(text, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time what is done inside and show it; an exception is shown as a failure and goes on."""
        step = Step()
        started = perf_counter()
        try:
            yield step
        except Exception as error:
            self.console.print(f"  [red]✗[/red] {escape(title)}: [red]{escape(_told(error))}[/red]", soft_wrap=True)
            raise StepFailed(title) from error
        shown = escape(f"{title}: {step.note}" if step.note else title)
        self.console.print(
            f"  [green]✓[/green] {shown} [dim]({_duration(perf_counter() - started)})[/dim]", soft_wrap=True
        )

    def progress(self) -> Progress:
        """A progress bar that counts documents."""
        return Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=self.console,
        )


def milliseconds(seconds: float) -> str:
    """A duration as in `3.2 ms`."""
    return f"{seconds * 1000:.1f} ms"


def _duration(seconds: float) -> str:
    return milliseconds(seconds) if seconds < 1 else f"{seconds:.2f} s"


def _told(error: BaseException) -> str:
    """The innermost reason, with its type unless it is a step's own."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        reason: Any = error.exceptions[0]
        error = reason
    return str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"

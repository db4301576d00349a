"""How far an import or export has come: a bar on a terminal, with documents and documents a second."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

_EVERY = 256  # documents between two looks


class _Rate(ProgressColumn):
    """Documents, and documents a second."""

    def render(self, task: Task) -> Text:
        """The text of the column."""
        documents = int(task.fields["documents"])
        elapsed = task.elapsed or 0.0
        rate = f", {documents / elapsed:,.0f}/s" if elapsed > 0 else ""
        return Text(f"{documents:,} documents{rate}")


class Meter:
    """Shows how far it has come, where somebody looks: standard error is a terminal, and quiet was not asked for."""

    def __init__(self, label: str, *, total: float | None = None, is_quiet: bool = False) -> None:
        console = Console(stderr=True)
        is_shown = console.is_terminal and not is_quiet
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            _Rate(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, disable=not is_shown, transient=True)
        self._task = self._progress.add_task(label, total=total, documents=0)
        self.documents = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def count(self, documents: int = 1, position: float | None = None) -> None:
        """So many more documents; `position` says how far that is, in the unit of `total`."""
        before = self.documents
        self.documents += documents
        if before // _EVERY != self.documents // _EVERY:
            self._progress.update(self._task, documents=self.documents, completed=position)

    def label(self, label: str, *, total: float | None = None) -> None:
        """Go on with something else."""
        self._progress.update(self._task, description=label, total=total)

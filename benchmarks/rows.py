"""A row of the performance table: one measured value, the budget it is held to, and whether it held."""

from collections.abc import Iterable
from dataclasses import dataclass


class WrongAnswer(Exception):
    """A workload did not give the answer that it must give; its time is of no interest then."""


def expect(actual: object, expected: object, what: str) -> None:
    """Refuse to go on when `actual` is not equal to `expected`.

    actual     what the store answered
    expected   what it must answer
    what       names the check in the report
    errors     WrongAnswer
    """
    if actual != expected:
        raise WrongAnswer(f"{what}: {_short(actual)} instead of {_short(expected)}")


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound in the unit of its row: a most (the rule) or a least."""

    limit: float
    is_ceiling: bool = True

    def holds(self, value: float) -> bool:
        """Whether `value` is strictly on the right side of the limit."""
        return value < self.limit if self.is_ceiling else value > self.limit

    def text(self, unit: str) -> str:
        """The bound as the table shows it, as in `< 2 x`."""
        return f"{'<' if self.is_ceiling else '>'} {self.limit:g} {unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value.

    section   name of the section, as `--only` takes it
    name      the workload
    store     "memory://", "local://" or a peer's name
    value     the measured value in `unit`, None where nothing could be measured
    unit      "x" (multiple of the limit), "share", "ms", "µs"
    budget    the bound of the issue or of client.md, None for a value that is only told
    note      the figures behind the value
    failure   why there is no value: a wrong answer or an exception of ours
    """

    section: str
    name: str
    store: str
    value: float | None
    unit: str
    budget: Budget | None = None
    note: str = ""
    failure: str = ""

    @property
    def held(self) -> bool | None:
        """True or False against the budget; None where there is nothing to hold."""
        if self.failure:
            return False
        if self.budget is None or self.value is None:
            return None
        return self.budget.holds(self.value)

    @property
    def verdict(self) -> str:
        """The word in the last column."""
        return {True: "held", False: "NOT HELD", None: ""}[self.held]

    @property
    def value_text(self) -> str:
        """The value with its unit, as the table shows it."""
        return "-" if self.value is None else f"{self.value:.3g} {self.unit}"

    @property
    def budget_text(self) -> str:
        """The budget with its unit, or nothing."""
        return "" if self.budget is None else self.budget.text(self.unit)


def all_held(rows: Iterable[Row]) -> bool:
    """Whether no row breaks its budget and no workload failed."""
    return all(row.held is not False for row in rows)


def failure_text(error: BaseException) -> str:
    """An exception in one line of a table."""
    return _short(f"{type(error).__name__}: {error}", 160)


def _short(value: object, length: int = 80) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= length else text[: length - 1] + "…"

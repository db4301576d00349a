"""What a statement of the shell gives: one value, or documents that come in pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.values.codec import decode_foreign


@dataclass(frozen=True, slots=True)
class Value:
    """One value, to be shown."""

    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """Text, shown as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is shown."""


@dataclass(frozen=True, slots=True)
class End:
    """The shell ends."""


class Documents:
    """Documents of a cursor, as canonical values, read as far as somebody looks."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rest = iter(cursor)
        self._ahead: list[dict[str, Any]] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while self._ahead:
            yield self._ahead.pop()
        for raw in self._rest:
            yield decode_foreign(raw.raw)

    def has_more(self) -> bool:
        """Whether another document follows."""
        if not self._ahead:
            raw = next(self._rest, None)
            if raw is not None:
                self._ahead.append(decode_foreign(raw.raw))
        return bool(self._ahead)

    def close(self) -> None:
        """Let the cursor go."""
        self._cursor.close()


Answer = Value | Text | Nothing | End | Documents


class CallRefused(Exception):
    """A call that the shell does not know, or that has the wrong arguments."""


class WriteRefused(Exception):
    """A write that the database has refused; `code` and `name` as a server gives them."""

    def __init__(self, message: str, code: int | None, name: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name

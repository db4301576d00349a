"""What the docstring of an operator says, part by part, as Markdown: its contract is the reference.

A docstring begins with one sentence; below it stand parts, each a word and what it says: `args`, `spec`, `operand`,
`argument` (what the operator takes), `result`, `errors`, `order`, `source`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import amongo.errors
from amongo.errors import Condition

_PART: Final = re.compile(r"^ *([a-z]+) {2,}(\S.*)$")
_SHORT_PART: Final = re.compile(r"(?<=[.;]) (operand|errors|source): ")
_NAME: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")
_DOLLARS: Final = re.compile(r"(?<![\w$])\${1,2}[A-Za-z_][\w.]*")
_MANUAL: Final = "https://www.mongodb.com/docs/manual/reference"


@dataclass(slots=True)
class Contract:
    """A docstring taken apart: its beginning, and its parts by name."""

    summary: str
    parts: dict[str, str] = field(default_factory=dict)


def read(docstring: str | None) -> Contract:
    """Take a docstring apart."""
    lines: list[str] = []
    parts: dict[str, list[str]] = {}
    current = lines
    for line in inspect.cleandoc(docstring or "").splitlines():
        found = _PART.match(line)
        if found:
            current = parts.setdefault(found[1], [])
            current.append(found[2])
        elif current is lines:
            lines.append(line)
        elif line.strip():
            current.append(line.strip())
    summary = "\n".join(lines).strip()
    summary, *short = _SHORT_PART.split(summary)  # `Sentence. errors: NAME. source: manual, $name.`
    for name, text in zip(short[::2], short[1::2], strict=True):
        parts.setdefault(name, []).append(text.removesuffix("."))
    return Contract(summary, {name: " ".join(text) for name, text in parts.items()})


def markdown(text: str) -> str:
    """Text of a docstring as Markdown: names with a dollar become code, and no sign is read as emphasis."""
    pieces = text.split("`")
    for place in range(0, len(pieces), 2):
        pieces[place] = _DOLLARS.sub(lambda found: f"\0{found[0]}\0", pieces[place]).replace("*", r"\*")
    return "`".join(pieces).replace("\0", "`")


def _conditions() -> dict[str, dict[str, Condition]]:
    """Name -> table -> condition, of all tables of errors."""
    found: dict[str, dict[str, Condition]] = defaultdict(dict)
    for module in pkgutil.iter_modules(amongo.errors.__path__):
        table = importlib.import_module(f"amongo.errors.{module.name}")
        for name, value in vars(table).items():
            if isinstance(value, Condition):
                found[name][module.name] = value
    return found


CONDITIONS: Final = _conditions()


def code_of(name: str, tables: Sequence[str]) -> int | None:
    """The number of an error by its name; None for a name of none.

    tables   where to look first, for a name that several tables have
    """
    found = CONDITIONS.get(name, {})
    for table in (*tables, *found):
        if table in found:
            return found[table].code
    return None


def errors_with_codes(text: str, tables: Sequence[str]) -> str:
    """The errors of a docstring, each name with its number."""

    def with_code(name: re.Match[str]) -> str:
        code = code_of(name[0], tables)
        return name[0] if code is None else f"`{name[0]}` ({code})"

    return markdown(_NAME.sub(with_code, text))


def manual_link(source: str, folder: str) -> str:
    """The source of a docstring, the names in it as links to the manual.

    folder   where the manual keeps the page, unless the source says another: "(query)", "(aggregation)", …
    """

    def link(name: re.Match[str]) -> str:
        rest = source[name.end() :].lstrip()
        said = next(
            (kind for kind in ("query", "aggregation", "projection", "update") if rest.startswith(f"({kind}")), ""
        )
        place = f"operator/{said}" if said else folder
        return f"[{name[0]}]({_MANUAL}/{place}/{name[0].lstrip('$')}/)"

    return _DOLLARS.sub(link, source)


def command_link(source: str, names: Sequence[str]) -> str:
    """The source of a command, the names of commands in it as links to the manual."""
    pattern = re.compile(r"(?<![\w$])(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?!\w)")
    return pattern.sub(lambda name: f"[{name[0]}]({_MANUAL}/command/{name[0]}/)", source)

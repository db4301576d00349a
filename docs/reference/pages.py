"""The reference pages: one for each registry, written from what the registry holds and from the docstrings."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.aggregate import stages
from amongo.commands.command import Command
from amongo.commands.fields import GENERIC_FIELDS, Field
from amongo.commands.registry import COMMANDS
from amongo.commands.registry import NOT_YET as COMMANDS_NOT_YET
from amongo.mql import accumulators, expressions, matcher, projections, updates, windows
from docs.reference.docstrings import Contract, command_link, errors_with_codes, manual_link, markdown, read

Documentation = Mapping[str, str | None]

_NOTICE: Final = "<!-- Written by `python -m docs.reference` from the registries and the docstrings: do not edit. -->"
_LABELS: Final = {
    "args": "takes",
    "argument": "takes",
    "spec": "takes",
    "operand": "takes",
    "result": "result",
    "order": "order",
    "errors": "errors",
}


@dataclass(frozen=True, slots=True)
class Family:
    """One page of operators.

    file           its name
    title, story   what stands above
    documentation  operator -> docstring
    not_yet        operator -> why it is refused
    folder         where the manual keeps the pages
    tables         the tables of errors that the docstrings mean first
    """

    file: str
    title: str
    story: str
    documentation: Callable[[], Documentation]
    folder: str
    tables: tuple[str, ...]
    not_yet: Mapping[str, str] = field(default_factory=dict)


def _filters() -> Documentation:
    operators = {**matcher.FIELD_OPERATORS, **matcher.TOP_LEVEL_OPERATORS}
    return {name: parse.__doc__ for name, parse in operators.items()}


FAMILIES: Final = (
    Family(
        "stages.md",
        "Stages",
        "The stages of aggregation pipelines.",
        lambda: stages.DOCUMENTATION,
        "operator/aggregation",
        ("pipeline", "stages"),
        stages.NOT_YET,
    ),
    Family(
        "expressions.md",
        "Expressions",
        "Expressions compute a value from a document: in stages, in projections, in `$expr`, in update pipelines.",
        lambda: expressions.DOCUMENTATION,
        "operator/aggregation",
        ("expression", "convert", "date"),
        expressions.NOT_YET,
    ),
    Family(
        "accumulators.md",
        "Accumulators",
        "Accumulators fold the documents of a group: in `$group`, `$bucket` and `$bucketAuto`.",
        lambda: accumulators.DOCUMENTATION,
        "operator/aggregation",
        ("expression",),
        accumulators.NOT_YET,
    ),
    Family(
        "window-functions.md",
        "Window functions",
        "Window functions see the documents around each document of a partition: `$setWindowFields`.",
        lambda: windows.DOCUMENTATION,
        "operator/aggregation",
        ("window", "expression"),
    ),
    Family(
        "query-operators.md",
        "Query operators",
        "What filters are made of: of `find`, of `count` and `distinct`, of writes, of `$match`, of validators.",
        _filters,
        "operator/query",
        ("query", "geo", "text", "schema"),
        matcher.NOT_YET,
    ),
    Family(
        "update-operators.md",
        "Update operators",
        "What `update` and `findAndModify` do to a document; an update may be a pipeline as well, see the stages.",
        lambda: {name: operator.apply.__doc__ for name, operator in updates.OPERATORS.items()},
        "operator/update",
        ("update",),
        updates.NOT_YET,
    ),
    Family(
        "projection-operators.md",
        "Projection operators",
        "What stands in a projection of `find` and `findAndModify` beside true, false and expressions.",
        lambda: projections.DOCUMENTATION,
        "operator/projection",
        ("query",),
    ),
)


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    found = {family.file: _family_page(family) for family in FAMILIES}
    found["commands.md"] = _commands_page()
    found["README.md"] = _index()
    return found


def _family_page(family: Family) -> str:
    documentation = dict(sorted(family.documentation().items(), key=lambda item: item[0].lower()))
    sections = [_operator(name, read(text), family) for name, text in documentation.items()]
    return _page(family.title, family.story, documentation, sections, family.not_yet)


def _page(title: str, story: str, names: Iterable[str], sections: list[str], not_yet: Mapping[str, str]) -> str:
    index = " · ".join(f"[{name}](#{_anchor(name)})" for name in names)
    text = [f"# {title}", _NOTICE, story, index, *sections]
    if not_yet:
        text += [
            "## Not there yet",
            "Refused with an error that gives the reason.",
            "| what | why |\n|---|---|\n" + _rows(not_yet),
        ]
    return "\n\n".join(text) + "\n"


def _rows(not_yet: Mapping[str, str]) -> str:
    return "\n".join(f"| `{name}` | {markdown(reason)} |" for name, reason in sorted(not_yet.items()))


def _operator(name: str, contract: Contract, family: Family) -> str:
    lines = [f"- **{label}:** {text}" for label, text in _parts(contract, family.tables)]
    source = contract.parts.get("source")
    if source:
        lines.append(f"- **source:** {manual_link(source, family.folder)}")
    return "\n\n".join([f"## `{name}`", markdown(contract.summary), "\n".join(lines)]).rstrip()


def _parts(contract: Contract, tables: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for part, label in _LABELS.items():
        text = contract.parts.get(part)
        if text:
            yield label, errors_with_codes(text, tables) if part == "errors" else markdown(text)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# Commands


def _commands_page() -> str:
    commands = {command.name: command for command in COMMANDS.values()}
    names = sorted(commands, key=str.lower)
    sections = [_command(commands[name], names) for name in names]
    story = (
        "Everything that is asked of a database is one of these commands. Beside its own fields every command takes "
        + ", ".join(f"`{name}`" for name in GENERIC_FIELDS)
        + ". A flag is a bool, or a number in its place; an integer is any number that is whole."
    )
    return _page("Commands", story, names, sections, COMMANDS_NOT_YET)


def _command(command: Command, names: list[str]) -> str:
    module = sys.modules[command.run.__module__]
    story, _, source = (module.__doc__ or "").replace("\n", " ").partition(" Source: ")
    story = story.strip().removeprefix(f"{command.name}: ").removeprefix(f"{command.name}, ")
    text = [f"## `{command.name}`", markdown(story[:1].upper() + story[1:])]
    own = _fields(module)
    if own:
        text.append("| field | type | | |\n|---|---|---|---|\n" + "\n".join(_field(*each) for each in own.items()))
    result, errors = read(command.run.__doc__), read(command.parse.__doc__).parts.get("errors")
    lines = []
    if command.aliases:
        lines.append("- **also called:** " + ", ".join(f"`{alias}`" for alias in command.aliases))
    if command.is_admin_only:
        lines.append("- **only on:** the database `admin`")
    lines.append(f"- **reply:** {markdown(' '.join(result.summary.split()))}")
    lines += [
        f"- **errors {when}:** {errors_with_codes(found, ('command',))}"
        for when, found in (("on reading it", errors), ("on running it", result.parts.get("errors")))
        if found
    ]
    if source:
        lines.append(f"- **source:** {command_link(source.strip().removesuffix('.'), names)}")
    return "\n\n".join([*text, "\n".join(lines)])


def _fields(module: Any) -> dict[str, Field]:
    """The fields of a command: those of the tables in its module, and in modules that read options for it."""
    parsers = [each for name, each in vars(module).items() if name.startswith("parse_") and callable(each)]
    modules = [module, *(sys.modules[each.__module__] for each in parsers)]
    found: dict[str, Field] = {}
    for table in (table for each in modules for table in vars(each).values()):
        if isinstance(table, dict) and table is not GENERIC_FIELDS:
            found |= {name: each for name, each in table.items() if isinstance(each, Field)}
    return found


def _field(name: str, field: Field) -> str:
    bounds = [f"at least {field.minimum}"] * (field.minimum is not None)
    bounds += [f"at most {field.maximum}"] * (field.maximum is not None)
    state = "required" if field.required else "" if field.default is None else f"`{_literal(field.default)}` if absent"
    return f"| `{name}` | {field.kind} | {state} | {', '.join(bounds)} |"


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# The index


def _index() -> str:
    rows = [
        f"| [{family.title}]({family.file}) | {len(family.documentation())} | {len(family.not_yet)} | {family.story} |"
        for family in FAMILIES
    ]
    count = len({command.name for command in COMMANDS.values()})
    rows.append(f"| [Commands](commands.md) | {count} | {len(COMMANDS_NOT_YET)} | What a database is asked. |")
    story = (
        "What amongo has of MongoDB's language: what it takes, what comes out, and with which errors. The pages are "
        "written by `python -m docs.reference` from the registries and the docstrings; tests compare the registries "
        "with the names in MongoDB's manual, and these pages with what would be written now."
    )
    table = "| page | there | not yet | what |\n|---|---|---|---|\n" + "\n".join(rows)
    return "\n\n".join(["# Reference", _NOTICE, story, table]) + "\n"

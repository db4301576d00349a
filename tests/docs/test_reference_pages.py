"""The reference pages are those that the registries and the docstrings give, and every error in them has its number."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from amongo.commands.registry import COMMANDS
from docs.reference import docstrings
from docs.reference.pages import FAMILIES, pages

FOLDER = Path(docstrings.__file__).parent
HOW = "run `python -m docs.reference`"


def test_the_pages_are_fresh() -> None:
    fresh = pages()
    assert {path.name for path in FOLDER.glob("*.md")} == set(fresh), HOW
    for name, text in fresh.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is stale: {HOW}"


def contracts() -> Iterator[tuple[str, tuple[str, ...], docstrings.Contract]]:
    for family in FAMILIES:
        for name, text in family.documentation().items():
            yield f"{family.file} {name}", family.tables, docstrings.read(text)
    for command in COMMANDS.values():
        for function in (command.parse, command.run):
            yield f"commands.md {command.name}", ("command",), docstrings.read(function.__doc__)


def test_every_error_that_a_docstring_names_is_in_a_table() -> None:
    for place, tables, contract in contracts():
        for name in docstrings._NAME.findall(contract.parts.get("errors", "")):
            assert "_" not in name or docstrings.code_of(name, tables) is not None, f"{place}: {name}"


def test_every_operator_says_what_it_does_and_where_it_is_described() -> None:
    for family in FAMILIES:
        for name, text in family.documentation().items():
            contract = docstrings.read(text)
            assert contract.summary, name
            assert "source" in contract.parts, f"{family.file} {name}"


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Sentence.\n\n    args     one\n             and more\n    errors   NO_ENGINE", {"args": "one and more"}),
        ("Sentence. errors: NO_ENGINE. source: manual, $x.", {"errors": "NO_ENGINE", "source": "manual, $x"}),
    ],
)
def test_a_docstring_taken_apart(docstring: str, expected: dict[str, str]) -> None:
    contract = docstrings.read(docstring)
    assert contract.summary == "Sentence."
    assert expected.items() <= contract.parts.items()


def test_markdown() -> None:
    assert docstrings.markdown("2**3 of $a and `$b`") == r"2\*\*3 of `$a` and `$b`"
    assert docstrings.errors_with_codes("NO_ENGINE, else", ()) == "`NO_ENGINE` (31264), else"
    assert docstrings.manual_link("manual, $size (query), $x", "operator/update") == (
        "manual, [$size](https://www.mongodb.com/docs/manual/reference/operator/query/size/) (query), "
        "[$x](https://www.mongodb.com/docs/manual/reference/operator/update/x/)"
    )

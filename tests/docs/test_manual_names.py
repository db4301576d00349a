"""The registries against the names in MongoDB's manual: what is not there has a reason in `NOT_YET`."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from amongo.aggregate import stages
from amongo.commands.registry import COMMANDS
from amongo.commands.registry import NOT_YET as COMMANDS_NOT_YET
from amongo.mql import accumulators, expressions, matcher, projections, updates, windows

NAMES: dict[str, str] = tomllib.loads((Path(__file__).parent / "manual_names.toml").read_text(encoding="utf-8"))

REGISTRIES: list[tuple[str, Iterable[str], Mapping[str, str]]] = [
    ("stages", stages.STAGES, stages.NOT_YET),
    ("expressions", expressions.OPERATORS, expressions.NOT_YET),
    ("accumulators", accumulators.ACCUMULATORS, accumulators.NOT_YET),
    ("window_functions", windows.WINDOW_FUNCTIONS, {}),
    ("query_operators", {**matcher.FIELD_OPERATORS, **matcher.TOP_LEVEL_OPERATORS}, matcher.NOT_YET),
    ("update_operators", updates.OPERATORS, updates.NOT_YET),
    ("projection_operators", projections.DOCUMENTATION, {}),
    ("commands", {command.name for command in COMMANDS.values()}, COMMANDS_NOT_YET),
]


@pytest.mark.parametrize(("family", "registry", "not_yet"), REGISTRIES, ids=[family for family, *_ in REGISTRIES])
def test_everything_of_the_manual_is_here_or_waits_with_a_reason(
    family: str, registry: Iterable[str], not_yet: Mapping[str, str]
) -> None:
    manual = {*NAMES[family].split(), *NAMES[f"{family}_beside"].split()}
    assert manual - set(registry) == set(not_yet), "in the manual, and neither there nor in NOT_YET (or the other way)"
    assert set(registry) <= manual, "not in the manual's list: tests/docs/manual_names.toml"
    assert all(not_yet.values())


def test_no_name_stands_in_the_list_twice() -> None:
    for family, names in NAMES.items():
        assert len(names.split()) == len(set(names.split())), family

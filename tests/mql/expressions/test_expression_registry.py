"""The registry of expression operators. (`tests/docs` compares it with the manual's list.)"""

import pytest

from amongo.mql.expressions import DOCUMENTATION, OPERATORS
from amongo.mql.expressions.registry import register


def test_every_operator_says_what_it_takes_and_where_it_is_described() -> None:
    for name, text in DOCUMENTATION.items():
        for part in ("args", "result", "source"):
            assert f"\n    {part} " in text, (name, part)


def test_a_second_definition_is_refused() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        register("$add", OPERATORS["$add"], "")

"""A small part of the campaign, with the tests."""

from __future__ import annotations

from tests.differential.campaign import run


def test_columns_and_interpreter_answer_the_same() -> None:
    record = run(360, seed=2026)
    assert not record.differences, record.differences[0]
    assert not record.failures
    assert record.lowered["whole"] > record.lowered["not at all"]

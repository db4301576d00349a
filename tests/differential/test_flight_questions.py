"""The ten questions about flights, on some thousand of them: over columns, in the interpreter, and as plain SQL."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.documents import airports, flights
from benchmarks.questions import QUESTIONS, Question, answers, check, fill, tables
from benchmarks.stores import MEMORY, fresh_client

COUNT = 8_000


def test_questions_have_one_answer() -> None:
    stored, towns = flights(COUNT), airports()
    connection = tables(stored, towns)

    async def ask_all() -> None:
        async with fresh_client(MEMORY) as client:
            collection = await fill(client["bench"], stored, towns)
            for question in QUESTIONS:
                over_columns = await answers(question, collection, columnar=True)
                assert over_columns == await answers(question, collection, columnar=False), question.text
                check(question, over_columns, connection.execute(question.sql).fetchall())

    asyncio.run(ask_all())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.text)
def test_nothing_of_a_question_is_left_to_the_interpreter(question: Question) -> None:
    async def explained() -> dict[str, object]:
        async with fresh_client(MEMORY) as client:
            collection = await fill(client["bench"], flights(2_000), airports())
            command = {"aggregate": "flights", "pipeline": question.pipeline, "cursor": {}, "hint": {"$columnar": True}}
            found: dict[str, object] = await collection.database.command({"explain": command})
            return found

    found = asyncio.run(explained())
    assert "stages" not in found, found["stages"]

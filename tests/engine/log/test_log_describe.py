"""docs/format.md says what the code does."""

from pathlib import Path

from amongo.engine.log.describe import describe

DOCUMENT = Path(__file__).parents[3] / "docs" / "format.md"


def test_the_document_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == describe(), "run python -m amongo.engine.log.describe docs/format.md"

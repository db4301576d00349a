"""The examples of docs/guide/command-line.md: each gives what stands below it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.running import run

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "command-line.md"
BLOCKS = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = [
        each for block in BLOCKS.findall(PAGE.read_text(encoding="utf-8")) for each in block.split("$ amongo ")[1:]
    ]
    assert len(examples) >= 10
    for example in examples:
        command, _, expected = example.partition("\n")
        shown = run(*shlex.split(command)).stdout
        pattern = re.escape(expected.rstrip("\n")).replace("…", ".*")
        assert re.fullmatch(pattern, shown.rstrip("\n"), re.DOTALL), (command, shown)

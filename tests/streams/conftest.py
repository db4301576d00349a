"""What tests of change streams share: a world whose changes are watched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from watching import World


@pytest.fixture
def world() -> Iterator[World]:
    opened = World()
    yield opened
    opened.close()

"""What all tests share: both event loops for async tests, and one profile for hypothesis."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "amongo", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.register_profile("campaign", parent=settings.get_profile("amongo"), derandomize=False, max_examples=10_000)
settings.load_profile(os.environ.get("AMONGO_HYPOTHESIS", "amongo"))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Async tests run on both event loops."""
    return str(request.param)

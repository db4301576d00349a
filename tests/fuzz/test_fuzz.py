"""A slice of the fuzz campaign; see CAMPAIGN.md for the whole."""

from __future__ import annotations

import pytest

from tests.fuzz.judging import LIFE, run_seed, run_through_client


@pytest.mark.parametrize("seed", range(1, 9))
def test_only_errors_of_the_server_come_out(seed: int) -> None:
    findings, codes = run_seed(seed)
    assert not findings, "\n".join(f"{each.kind}: {each.where}\n{each.command}\n{each.detail}" for each in findings)
    assert LIFE // 10 < sum(codes.values()) < LIFE


def test_only_errors_of_pymongo_come_out_of_the_client() -> None:
    findings = run_through_client(9, LIFE)
    assert not findings, "\n".join(f"{each.where}\n{each.command}\n{each.detail}" for each in findings)

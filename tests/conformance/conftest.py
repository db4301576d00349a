"""The cases take longer than any other room: they begin to run as soon as the tests are chosen, in processes that give
way to the other tests, and their own tests, which look at the verdicts, come last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.issues import areas_of
from tests.conformance.replaying import Replay, area_names, is_present

REPLAY = pytest.StashKey[Replay]()
_HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this room behind all others."""
    items.sort(key=lambda item: item.path.parent == _HERE)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the cases run of all areas that the chosen tests ask for."""
    if session.config.option.collectonly or not is_present():
        return
    chosen = [item.callspec.params for item in session.items if item.path.parent == _HERE and hasattr(item, "callspec")]
    every = area_names()
    wanted = {params["area"] for params in chosen if "area" in params} & set(every)
    wanted.update(area for params in chosen for area in areas_of(params.get("under", ""), every))
    if wanted:
        session.config.stash[REPLAY] = Replay(sorted(wanted))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the processes, whatever has become of the tests."""
    if REPLAY in session.config.stash:
        session.config.stash[REPLAY].close()


@pytest.fixture(scope="session")
def replay(request: pytest.FixtureRequest) -> Replay:
    """All areas that the chosen tests ask for, running."""
    return request.config.stash[REPLAY]

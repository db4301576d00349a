"""MongoDB's own driver tests, played against an embedded store: CRUD, collections, cursors of commands, command events.

They are in PyMongo's source distribution and are not copied here. To play them:

    pip download --no-deps --no-binary pymongo pymongo==4.20.0 && tar xzf pymongo-4.20.0.tar.gz
    AMONGO_PYMONGO_SDIST=pymongo-4.20.0 pytest tests/integrations/test_pymongo_specs.py
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from unified_format import NotPlayable, cases_of, play

from amongo.commands.build_info import SERVER_VERSION

VARIABLE = "AMONGO_PYMONGO_SDIST"
FOLDERS = (
    "crud/unified",
    "collection_management",
    "command_monitoring",
    "run_command/unified",
    "sessions",
    "causal_consistency",
    "transactions/unified",
    "transactions-convenient-api/unified",
    "unified-test-format/valid-pass",
)
_NO_LSID = "an operation without a session is given none, for nothing here needs one"
_NO_NUMBER = "the embedded client loses no reply, so that it has no use for retryable writes"
_NO_PREFERENCE = "there is one node: the read preference does not go along with a command"
NOT_YET = {
    "driver-sessions-server-support: Server supports explicit sessions": _NO_LSID,
    "driver-sessions-server-support: Server supports implicit sessions": _NO_LSID,
    "poc-sessions: Server supports explicit sessions": _NO_LSID,
    "poc-sessions: Server supports implicit sessions": _NO_LSID,
    "retryable-writes: increment txnNumber": _NO_NUMBER,
} | {
    f"{name} with {stage} includes read preference for 5.0+ server": _NO_PREFERENCE
    for name in (
        "aggregate-write-readPreference: Aggregate",
        "db-aggregate-write-readPreference: Database-level aggregate",
    )
    for stage in ("$out", "$merge")
}


def _found() -> list[Any]:
    root = os.environ.get(VARIABLE)
    if root is None:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason=f"{VARIABLE} names no sources of PyMongo"))]
    cases = []
    for folder in FOLDERS:
        paths = sorted((Path(root) / "test" / folder).glob("*.json"))
        assert paths, f"no tests in {folder} of {root}"
        for path in paths:
            for description, specification, test in cases_of(path):
                name = f"{path.stem}: {description}"
                marks = [pytest.mark.xfail(reason=NOT_YET[name], strict=True)] if name in NOT_YET else []
                cases.append(pytest.param(specification, test, id=f"{folder}/{name}", marks=marks))
    return cases


@pytest.mark.parametrize(("specification", "test"), _found())
def test_specification(specification: dict[str, Any], test: dict[str, Any]) -> None:
    async def inside() -> None:
        async with asyncio.timeout(60):
            await play(specification, test, SERVER_VERSION)

    try:
        asyncio.run(inside())
    except NotPlayable as reason:
        pytest.skip(str(reason))

"""PyMongo's own asynchronous tests, run against `amongo serve`: whatever one node can do has to pass.

    python -m tests.drivers.pymongo_suite SDIST --python VENV/bin/python --mode test-commands [--files 'test_c*']
        [--record docs/campaigns.md]

SDIST is PyMongo's source distribution, unpacked; nothing of it is kept here. VENV has pytest, pytest-asyncio and what
else its tests ask for. Each file of tests runs against a server of its own, as PyMongo's tests expect it: at
localhost:27017, which has to be free (in a container, or `unshare -rn`, it is). The failures that are expected stand in
pymongo_suite.toml, each with its reason; a failure that does not stand there ends the command with exit code 1.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.etree import ElementTree

import pymongo

from tests.server.serving_process import served

EXPECTED: Final = Path(__file__).with_suffix(".toml")
USER, PASSWORD = "user", "password"  # as PyMongo's tests take them from the environment
LIMIT_S: Final = 1200  # of one file
_CERTIFICATES: Final = "test/certificates"

MODES: Final = {
    "plain": (),
    "test-commands": ("--enable-test-commands",),
    "auth": ("--enable-test-commands", "--auth"),
    "tls": (
        "--enable-test-commands",
        "--tls-certificate-key-file={certificates}/server.pem",
        "--tls-ca-file={certificates}/ca.pem",
        "--tls-allow-connections-without-certificates",
    ),
    "standalone": ("--enable-test-commands", "--standalone"),
}
"""How the server is started."""


@dataclass(frozen=True)
class Expectation:
    """Tests that fail, or are not run.

    tests     patterns of "test_file.py::Class::test"
    reason    why no single node passes them here
    is_left_out   they would wait for what never comes, and are not run
    modes     of the server in which they do; none for all
    """

    tests: tuple[str, ...]
    reason: str
    is_left_out: bool = False
    modes: tuple[str, ...] = ()

    def means(self, test: str) -> bool:
        return any(fnmatchcase(test, pattern) for pattern in self.tests)


def expectations(mode: str, path: Path = EXPECTED) -> list[Expectation]:
    """Those of the list for a server that is started so."""
    found = [
        Expectation(tuple(each["tests"]), each["reason"], each.get("left_out", False), tuple(each.get("modes", ())))
        for each in tomllib.loads(path.read_text())["expected"]
    ]
    return [each for each in found if not each.modes or mode in each.modes]


def run_file(sdist: Path, python: str, mode: str, name: str, expected: Sequence[Expectation]) -> dict[str, str]:
    """The outcomes of a file's tests by "test_file.py::Class::test": passed, failed, skipped, left out."""
    certificates = sdist / _CERTIFICATES
    options = [option.format(certificates=certificates) for option in MODES[mode]]
    environment = os.environ | {"PYTHONPATH": str(sdist)}
    with TemporaryDirectory() as directory, served(":memory:", "--port=27017", "--host=localhost", *options) as uri:
        if mode == "auth":
            environment |= {"DB_USER": USER, "DB_PASSWORD": PASSWORD}
            with pymongo.MongoClient(uri, directConnection=True) as client:
                client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"])
        report = Path(directory) / "report.xml"
        listing = Path(directory) / "left_out.py"
        listing.write_text(_LEAVE_OUT)
        left_out = [pattern for each in expected if each.is_left_out for pattern in each.tests]
        environment |= {"LEFT_OUT": "\n".join(left_out), "PYTHONPATH": f"{sdist}{os.pathsep}{directory}"}
        settings = ("-o", "addopts=", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "-p", "left_out")
        marks = "default_async or auth" if mode == "auth" else "default_async"
        command = [python, "-m", "pytest", "-q", *settings, "-m", marks, f"--junitxml={report}"]
        command.append(f"test/asynchronous/{name}")
        try:
            subprocess.run(command, cwd=sdist, env=environment, stdout=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return {f"{name}::(all)": "failed"}
        return outcomes(report) if report.exists() else {f"{name}::(all)": "failed"}


_LEAVE_OUT: Final = """
import os
from fnmatch import fnmatchcase

import pytest

PATTERNS = os.environ["LEFT_OUT"].split("\\n")


def pytest_collection_modifyitems(items):
    for item in items:
        test = item.nodeid.removeprefix("test/asynchronous/")
        if any(fnmatchcase(test, pattern) for pattern in PATTERNS):
            item.add_marker(pytest.mark.skip(reason="left out"))
"""


def outcomes(report: Path) -> dict[str, str]:
    """The outcomes that a JUnit file tells of; a test with several (subtests) has failed if one has."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        *_, file, group = ("", "", *case.get("classname", "").split("."))  # nothing for a file that cannot be collected
        test = f"{file}.py::{group}::{case.get('name')}"
        outcome = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = "failed"
        elif (skipped := case.find("skipped")) is not None:
            outcome = "left out" if skipped.get("message") == "left out" else "skipped"
        if found.get(test) != "failed":
            found[test] = outcome
    return found


def judged(found: dict[str, str], expected: Iterable[Expectation]) -> list[str]:
    """The tests that have failed and do not stand in the list."""
    listed = list(expected)
    failed = (test for test, outcome in found.items() if outcome == "failed")
    return [test for test in failed if not any(each.means(test) for each in listed)]


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for and tell of it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdist", type=Path, help="PyMongo's source distribution, unpacked")
    parser.add_argument("--python", default=sys.executable, help="of the environment that runs the tests")
    parser.add_argument("--mode", choices=sorted(MODES), default="test-commands", help="how the server is started")
    parser.add_argument("--files", default="test_*", help="a pattern of their names, without .py")
    parser.add_argument("--record", type=Path, help="a file to which a line is added")
    options = parser.parse_args(arguments)
    sdist = options.sdist.resolve()
    expected = expectations(options.mode)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    unexpected: list[str] = []
    for path in sorted((sdist / "test" / "asynchronous").glob(f"{options.files}.py")):
        found = run_file(sdist, options.python, options.mode, path.name, expected)
        wrong = judged(found, expected)
        unexpected += wrong
        counts = Counter(found.values())
        counts["unexpected"] = len(wrong)
        totals += counts
        print(path.name, *(f"{name} {count}" for name, count in sorted(counts.items()) if count), sep="  ", flush=True)
        for test in wrong:
            print("   ", test, flush=True)
    took_s = round(time.monotonic() - began)
    print(f"{options.mode}: {dict(totals)}, {took_s} s")
    if options.record is not None:
        release = sdist.name
        day = datetime.datetime.now(tz=datetime.UTC).date()
        numbers = [totals["passed"], totals["skipped"], totals["left out"], totals["failed"], len(unexpected)]
        with options.record.open("a") as record:
            record.write(f"| {day} | {release} | {options.mode} | {' | '.join(map(str, numbers))} | {took_s} s |\n")
    return 1 if unexpected else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

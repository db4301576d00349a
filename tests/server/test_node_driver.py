"""Node's driver, as it comes from npm, against `amongo serve`, and Mongoose on it: the scripts of the folder `node`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import node_clients
from tests.server.serving_process import served


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    try:
        node_clients.packages()
    except node_clients.Absent as reason:
        pytest.skip(f"Node's driver is not there: {reason}")


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with served() as uri:
        yield uri


@pytest.mark.parametrize("script", ["cursors", "deployment", "documents", "mongoose", "sessions"])
def test_script(uri: str, script: str) -> None:
    run(script, uri)


@pytest.mark.parametrize("kind", ["socket", "standalone"])
def test_reaching(kind: str, tmp_path: Path) -> None:
    options = ("--standalone",) if kind == "standalone" else ("--socket", str(tmp_path / "s.sock"))
    with served(":memory:", *options) as uri:
        run("reaching", uri, AMONGO_TOPOLOGY="Single" if kind == "standalone" else "ReplicaSetWithPrimary")


def test_access() -> None:
    with served(":memory:", "--auth") as uri:
        run("access", uri)


def test_secured(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="it makes the certificates, and is in the extra `dev`")
    from tests.server.certificates import Authority, NameOID

    authority = Authority(tmp_path)
    files = {
        "AMONGO_CA_FILE": str(authority.ca_file),
        "AMONGO_CLIENT_FILE": str(authority.client("ann", {NameOID.COUNTRY_NAME: "CH", NameOID.COMMON_NAME: "ann"})),
    }
    tls = ("--tls-certificate-key-file", str(authority.server()), "--tls-ca-file", str(authority.ca_file))
    with served(":memory:", "--auth", *tls) as uri:
        run("secured", uri, AMONGO_SUBJECT="CN=ann,C=CH", **files)


def run(script: str, uri: str, **variables: str) -> None:
    """Run a script of tests; all of them pass.

    variables   more of its environment
    """
    path = node_clients.SCRIPTS / f"{script}.cjs"
    done = node_clients.run("node", "--test-reporter=tap", str(path), environment={"AMONGO_URI": uri, **variables})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "# fail 0\n" in done.stdout
    assert "# pass 0\n" not in done.stdout

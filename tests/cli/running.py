"""Runs the command line as its tests do: in this process by typer's runner, or as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from amongo import MongoClient, cli
from amongo.server import WireServer
from amongo.values.codec import CODEC, encode

ROOT = __file__.rpartition("/tests/")[0]


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    """Run `amongo` with arguments in this process; what it wrote is in `stdout` and `stderr`."""
    return CliRunner().invoke(
        cli.build(),
        [str(each) for each in arguments],
        input=given,
        env={"COLUMNS": "200", "AMONGO_HISTORY": "/dev/null"},
    )


def done(*arguments: object, given: str | bytes | None = None) -> Result:
    """Run `amongo`, which is to succeed."""
    result = run(*arguments, given=given)
    assert result.exit_code == cli.DONE, (result.output, result.exception)
    return result


def documents(store: object, namespace: str = "test.a") -> list[dict[str, Any]]:
    """The documents of a collection in a store on disk, in the order of `_id`."""
    database, _, collection = namespace.partition(".")
    with MongoClient(f"local://{store}") as client:
        return list(client[database].get_collection(collection, codec_options=CODEC).find().sort("_id"))


def filled(store: object, given: Sequence[dict[str, Any]], namespace: str = "test.a") -> None:
    """Put documents into a collection of a store on disk."""
    from bson.raw_bson import RawBSONDocument

    database, _, collection = namespace.partition(".")
    with MongoClient(f"local://{store}") as client:
        client[database][collection].insert_many([RawBSONDocument(encode(each)) for each in given])


def raw_documents(store: object, namespace: str = "test.a") -> list[bytes]:
    """Their bytes."""
    database, _, collection = namespace.partition(".")
    with MongoClient(f"local://{store}") as client:
        from amongo.cli.transfer.writer import documents_of

        batches = client[database][collection].find_raw_batches().sort("_id")
        return [raw for batch in batches for raw in documents_of(batch)]


@contextmanager
def served(store: object) -> Iterator[str]:
    """A server of a store, in this process; its URI."""
    with MongoClient(f"local://{store}") as client, WireServer(client, port=0) as server:
        yield f"mongodb://{server.address}"


@contextmanager
def served_elsewhere(store: object) -> Iterator[str]:
    """A process that serves a store; its URI."""
    command = [sys.executable, "-m", "amongo.cli", "serve", str(store), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"mongodb://\S+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()
            process.wait(timeout=20)

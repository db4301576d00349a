"""Statements over columns keep to the memory that they are given: what does not fit goes to the disk."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

COUNT = 1_000_000
MEMORY_BYTES = 48 * 1024 * 1024
SLACK_BYTES = 160 * 1024 * 1024  # rows on their way out, and what the C libraries keep of what they had

PROGRAM = """
import json, resource, sys
from amongo.commands.instance import Instance
from amongo.engine.settings import Settings
from amongo.values.codec import decode, encode

count, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
instance = Instance.open(None, settings=Settings(columnar_memory_bytes=memory_bytes))

def run(pipeline):
    hint = {"$columnar": True}
    command = {"aggregate": "c", "pipeline": pipeline, "cursor": {"batchSize": 100}, "hint": hint}
    reply = instance.run_command("db", encode(command))["cursor"]
    found, last = len(reply["firstBatch"]), None
    while reply["id"]:
        more = {"getMore": reply["id"], "collection": "c", "batchSize": 5000}
        reply = instance.run_command("db", encode(more))["cursor"]
        found += len(reply["nextBatch"])
        last = decode(reply["nextBatch"][-1].raw) if reply["nextBatch"] else last
    return found, last

for start in range(0, count, 10_000):
    documents = [{"_id": each, "k": f"key {each * 7919 % count}", "n": each} for each in range(start, start + 10_000)]
    instance.run_command("db", encode({"insert": "c", "documents": documents}))
run([{"$match": {"n": -1, "k": ""}}])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
groups, last = run([{"$group": {"_id": "$k", "total": {"$sum": "$n"}}}])
documents, highest = run([{"$sort": {"k": -1, "n": 1}}])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([groups, documents, highest["k"], (after - before) * 1024, instance.columnar.failures]))
instance.close()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in other units elsewhere")
def test_a_group_of_many_keys_and_a_sort_of_everything() -> None:
    command = [sys.executable, "-c", PROGRAM, str(COUNT), str(MEMORY_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    groups, documents, last, grown_bytes, failures = json.loads(done.stdout)
    assert failures == []
    assert groups == documents == COUNT
    assert last == "key 0"
    assert grown_bytes < MEMORY_BYTES + SLACK_BYTES

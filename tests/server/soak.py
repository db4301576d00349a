"""The soak: a server at full load for as long as is asked, with clients that come and go.

    python -m tests.server.soak --minutes 30 --record docs/campaigns.md

Writers insert documents that they number, by one connection or the other, and read some of them again; some clients
leave in the middle of a message or of a reply, some say nonsense. A watcher notes what the server holds: its memory and
its open files. In the end everything that was acknowledged has to be there, and nothing twice; the
memory of the last third may not lie above that of the first (but for what the documents take: they are deleted again).
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pymongo
from pymongo.errors import AutoReconnect, PyMongoError

from tests.server.hostile import Spoiler
from tests.server.serving_process import served

WRITERS: Final = 6
VISITORS: Final = 2
ROUND: Final = 400
"""Documents that a writer inserts before it counts and deletes them."""
WATCH_S: Final = 2.0
WARM_UP: Final = 0.25
"""The part of the time after which memory is expected to be flat."""
MOST_GROWTH: Final = 0.1


@dataclass
class Soak:
    """What was seen.

    acknowledged   inserts, of which each was found
    visits         connections of clients that came and went
    lost           what was acknowledged and was not found, or found twice
    errors         what else has failed
    memory_mb      of the server, one number every `WATCH_S` seconds
    """

    ends_s: float
    acknowledged: int = 0
    visits: int = 0
    lost: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.ends_s

    def growth(self) -> float:
        """How much more the server holds in the last third than in the first after the warm-up, as a share."""
        flat = self.memory_mb[int(len(self.memory_mb) * WARM_UP) :]
        third = max(len(flat) // 3, 1)
        before, after = sorted(flat[:third])[third // 2], sorted(flat[-third:])[third // 2]
        return after / before - 1


def write(soak: Soak, uri: str, number: int) -> None:
    """Insert, read, update, count and delete, again and again, with a new client each time."""
    draw = random.Random(number)
    while not soak.is_over:
        with pymongo.MongoClient[dict[str, Any]](uri, maxPoolSize=4) as client:
            documents = client["soak"][f"writer{number}"]
            known: list[int] = []
            for each in range(ROUND):
                if soak.is_over:
                    break
                documents.insert_one({"_id": each, "text": "x" * draw.randrange(2000), "writer": number})
                known.append(each)
                if not each % 10:
                    documents.update_one({"_id": draw.choice(known)}, {"$inc": {"reads": 1}})
                    found = documents.find_one({"_id": draw.choice(known)})
                    if found is None or found["writer"] != number:
                        soak.lost.append(f"writer {number} does not find what it has inserted")
            ids = sorted(each["_id"] for each in documents.find({}, {"_id": 1}, batch_size=50))
            with soak.lock:
                soak.acknowledged += len(known)
                if ids != known:
                    soak.lost.append(f"writer {number} finds {len(ids)} of {len(known)} documents")
            documents.delete_many({})


def visit(soak: Soak, uri: str, number: int) -> None:
    """Come and go: as a client that asks a little, that leaves in the middle of a reply, that says nonsense."""
    import socket

    host, _, port = uri.removeprefix("mongodb://").rpartition(":")
    spoiler, draw = Spoiler(1000 + number), random.Random(number)
    while not soak.is_over:
        kind = draw.randrange(3)
        if kind == 0:
            with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=30_000) as client:
                next(iter(client["soak"]["writer0"].find(batch_size=2)), None)
        else:
            with socket.create_connection((host, int(port)), timeout=30) as raw:
                for _ in range(draw.randrange(1, 4)):
                    try:
                        raw.sendall(spoiler.message()[: draw.randrange(1, 3000)])
                    except OSError:
                        break
        with soak.lock:
            soak.visits += 1


def watch(soak: Soak, pid: int) -> None:
    """Note what the server holds."""
    page = os.sysconf("SC_PAGE_SIZE")
    while not soak.is_over:
        try:
            resident = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * page
            soak.files.append(len(os.listdir(f"/proc/{pid}/fd")))
        except OSError:
            soak.errors.append("the server has gone")
            return
        soak.memory_mb.append(resident / 2**20)
        time.sleep(WATCH_S)


def _guarded(soak: Soak, run: Callable[..., None], *arguments: Any) -> None:
    while not soak.is_over:
        try:
            run(soak, *arguments)
        except AutoReconnect as error:
            soak.errors.append(f"connection lost: {error}"[:200])
        except (PyMongoError, OSError) as error:
            soak.errors.append(f"{type(error).__name__}: {error}"[:200])


def run(minutes: float, path: str) -> Soak:
    """Soak a server whose store lies at a path."""
    soak = Soak(time.monotonic() + minutes * 60)
    with served(path) as uri:
        with pymongo.MongoClient[dict[str, Any]](uri) as client:
            pid = int(client.admin.command("serverStatus")["pid"])
        works: list[tuple[Any, ...]] = [(watch, pid), *((write, uri, each) for each in range(WRITERS))]
        works += [(visit, uri, each) for each in range(VISITORS)]
        threads = [threading.Thread(target=_guarded, args=(soak, *each)) for each in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pymongo.MongoClient[dict[str, Any]](uri) as client:
            client.admin.command("ping")
    return soak


def main() -> int:
    """Soak; 0 if nothing was lost, nothing failed, and memory was flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.server.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--record", type=Path, help="a page to which a line is added")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amongo-soak-") as directory:
        soak = run(options.minutes, f"{directory}/store")
    growth = soak.growth()
    most_mb = max(soak.memory_mb)
    print(f"{soak.acknowledged:,} inserts, {soak.visits:,} visits, memory {growth:+.1%}, most {most_mb:.0f} MB")
    print(f"open files {min(soak.files)} to {max(soak.files)}")
    for each in [*soak.lost, *soak.errors][:20]:
        print(each)
    if options.record is not None:
        _record(options.record, options.minutes, soak, growth)
    return 1 if soak.lost or soak.errors or growth > MOST_GROWTH else 0


def _record(page: Path, minutes: float, soak: Soak, growth: float) -> None:
    day = datetime.datetime.now(datetime.UTC).date()
    counts = f"{soak.acknowledged:,} | {soak.visits:,} | {len(soak.lost)} | {len(soak.errors)}"
    memory = f"{growth:+.1%}, at most {max(soak.memory_mb):.0f} MB"
    line = f"| {day} | {minutes:g} | {counts} | {memory} | {max(soak.files)} |\n"
    text = page.read_text(encoding="utf-8")
    if _TITLE not in text:
        text = text.rstrip() + "\n" + _STORY
    head, title, rest = text.partition(_TITLE)
    table, mark, after = rest.partition("\n\n## ")
    page.write_text(f"{head}{title}{table.rstrip()}\n{line}{mark[1:]}{after}", encoding="utf-8")


_TITLE: Final = "\n## A server at full load\n"
_STORY: Final = f"""{_TITLE}
`amongo serve` on a disk, {WRITERS} writers that come and go with a new client every {ROUND} documents, and {VISITORS}
visitors that come for a moment, leave in the middle, or say nonsense. Memory: the last third against the first, after a
quarter of the time for warming up.

    python -m tests.server.soak --minutes 30 --record docs/campaigns.md

| day | minutes | inserts | visits | lost | other errors | memory | files open at most |
|---|---|---|---|---|---|---|---|
"""

if __name__ == "__main__":
    sys.exit(main())

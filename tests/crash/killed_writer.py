"""A process to be killed: appends commits to a log and prints, after each promise, what was promised."""

import sys

import bson

from amongo.engine.files import DiskFiles
from amongo.engine.log import Log, entry
from amongo.engine.settings import Settings
from amongo.runtime.clock import SYSTEM_CLOCK


def main(directory: str) -> None:
    log = Log.open(directory, DiskFiles(), SYSTEM_CLOCK, settings=Settings(log_file_bytes=5_000, sync_interval_s=0.002))
    number = sum(1 for _ in log.replay())
    head = bson.encode({"op": "i"})
    while True:
        log.append(entry(number, head, [bson.encode({"_id": number, "text": "x" * (number % 700)})]))
        number += 1
        if number % 50 == 0:
            log.sync_now()  # the time to go on in the next file
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

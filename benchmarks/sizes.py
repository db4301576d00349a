"""How much work one run does: the full run of `make bench`, `--quick`, and the tiny one of the smoke test."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts of one run; a round is four timings (see `rounds`), under a millisecond each where that can be.

    rounds               rounds of find_one, insert_one, update_one (one more is a warm-up and is dropped)
    hot_operations       operations in one timing of these
    batch_rounds         rounds of insert_many and to_list
    batch_documents      documents of one insert_many of the hot path, which is one timing
    list_documents       documents of one to_list, which is one timing
    load_documents       real documents of the bulk load and of the loop-lag section
    load_chunk           documents of one insert_many of the bulk load
    lag_tasks            concurrent tasks of the mixed workload
    lag_operations       operations of each of those tasks
    lag_rounds           repetitions of every lag measurement, each on a fresh store
    commits              acknowledged journalled inserts, sequential and concurrent
    commit_rounds        repetitions of the two
    peer_documents       documents in each peer's collection
    peer_operations      single operations timed on each peer
    pipeline_documents   documents that a pipeline goes through
    pipeline_rounds      rounds of each pipeline
    scale_documents      documents of the large store of the scale section
    scale_few            documents of the small one, whose opening is compared with the large one's
    scale_rounds         rounds of look-ups by index and of inserts
    columnar_documents   documents that are asked over columns
    columnar_rounds      rounds of each question
    openings             processes that open a store, each once
    live_changes         changes that live queries tell, one after the other
    stream_events        inserts that change streams follow, one after the other
    crowd_streams        change streams on one collection, of which the loop's lag is measured
    crowd_writes         inserts that they follow
    wire_connections     numbers of connections by which a server is loaded
    wire_rounds          loads of each kind on each server, by turns
    wire_seconds         how long one lasts
    wire_documents       documents that a pipeline goes through while the server's loop is watched
    """

    rounds: int
    hot_operations: int
    batch_rounds: int
    batch_documents: int
    list_documents: int
    load_documents: int
    load_chunk: int
    lag_tasks: int
    lag_operations: int
    lag_rounds: int
    commits: int
    commit_rounds: int
    peer_documents: int
    peer_operations: int
    pipeline_documents: int
    pipeline_rounds: int
    scale_documents: int
    scale_few: int
    scale_rounds: int
    columnar_documents: int
    columnar_rounds: int
    openings: int
    live_changes: int
    stream_events: int
    crowd_streams: int
    crowd_writes: int
    wire_connections: tuple[int, ...]
    wire_rounds: int
    wire_seconds: float
    wire_documents: int


FULL: Final = Sizes(
    rounds=401,
    hot_operations=50,
    batch_rounds=21,
    batch_documents=1_000,
    list_documents=10_000,
    load_documents=300_000,
    load_chunk=1_000,
    lag_tasks=200,
    lag_operations=400,
    lag_rounds=3,
    commits=1_000,
    commit_rounds=3,
    peer_documents=10_000,
    peer_operations=1_000,
    pipeline_documents=100_000,
    pipeline_rounds=9,
    scale_documents=1_000_000,
    scale_few=100_000,
    scale_rounds=101,
    columnar_documents=1_000_000,
    columnar_rounds=11,
    openings=7,
    live_changes=1_000,
    stream_events=2_000,
    crowd_streams=1_000,
    crowd_writes=1_000,
    wire_connections=(1, 16, 128),
    wire_rounds=3,
    wire_seconds=3.0,
    wire_documents=1_000_000,
)

QUICK: Final = Sizes(
    rounds=101,
    hot_operations=50,
    batch_rounds=9,
    batch_documents=1_000,
    list_documents=10_000,
    load_documents=30_000,
    load_chunk=1_000,
    lag_tasks=200,
    lag_operations=100,
    lag_rounds=3,
    commits=1_000,
    commit_rounds=1,
    peer_documents=2_000,
    peer_operations=200,
    pipeline_documents=20_000,
    pipeline_rounds=5,
    scale_documents=100_000,
    scale_few=10_000,
    scale_rounds=41,
    columnar_documents=100_000,
    columnar_rounds=7,
    openings=5,
    live_changes=300,
    stream_events=500,
    crowd_streams=300,
    crowd_writes=300,
    wire_connections=(1, 16, 128),
    wire_rounds=1,
    wire_seconds=1.5,
    wire_documents=100_000,
)

TINY: Final = Sizes(
    rounds=2,
    hot_operations=20,
    batch_rounds=2,
    batch_documents=20,
    list_documents=150,
    load_documents=300,
    load_chunk=100,
    lag_tasks=10,
    lag_operations=5,
    lag_rounds=1,
    commits=20,
    commit_rounds=1,
    peer_documents=50,
    peer_operations=10,
    pipeline_documents=300,
    pipeline_rounds=2,
    scale_documents=2_000,
    scale_few=200,
    scale_rounds=2,
    columnar_documents=5_000,
    columnar_rounds=2,
    openings=1,
    live_changes=5,
    stream_events=5,
    crowd_streams=10,
    crowd_writes=20,
    wire_connections=(1,),
    wire_rounds=1,
    wire_seconds=0.05,
    wire_documents=2_000,
)

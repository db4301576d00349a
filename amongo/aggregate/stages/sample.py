"""$sample: so many documents, drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import DOCUMENTS, in_order_within
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.sort import KEPT_MOST
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.numbers import exact_integer
from amongo.values.types import is_number

_KEY_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Sample(Stage):
    """Reservoir sampling: every document has the same chance, and only `size` of them are held. A large sample is drawn
    by sorting at random, which can be done on disk."""

    size: int

    def bind(self) -> Run:
        size = self.size

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            random = environment.random
            if size > KEPT_MOST:
                drawn = ((random.randbytes(_KEY_BYTES), document) for document in documents)
                yield from islice(in_order_within(drawn, environment, "$sample", DOCUMENTS), size)
                return
            kept: list[Document] = []
            for position, document in enumerate(environment.interrupt.watch(documents)):
                if position < size:
                    kept.append(document)
                    continue
                place = random.randrange(position + 1)
                if place < size:
                    kept[place] = document
            random.shuffle(kept)
            yield from environment.interrupt.watch(kept)

        return run


@stage("$sample")
def parse_sample(spec: Any, surroundings: Surroundings) -> Sample:
    """So many documents, drawn at random without putting back.

    spec     {size: positive number}; a fraction is cut off
    result   at most `size` documents in random order
    errors   SAMPLE_NOT_OBJECT, SAMPLE_UNKNOWN_FIELD, SAMPLE_WITHOUT_SIZE, SAMPLE_SIZE_TYPE, SAMPLE_SIZE_NOT_POSITIVE;
             of a large one MEMORY_EXCEEDED, SPILL_TOO_LARGE, SPILL_DISK_FULL
    source   manual, $sample
    """
    if type(spec) is not dict:
        raise errors.SAMPLE_NOT_OBJECT()
    for field in spec:
        if field != "size":
            raise errors.SAMPLE_UNKNOWN_FIELD(field=field)
    if "size" not in spec:
        raise errors.SAMPLE_WITHOUT_SIZE()
    size = spec["size"]
    if not is_number(size):
        raise errors.SAMPLE_SIZE_TYPE()
    count = exact_integer(size)
    if count is None or count < 1:
        raise errors.SAMPLE_SIZE_NOT_POSITIVE()
    return Sample(count)

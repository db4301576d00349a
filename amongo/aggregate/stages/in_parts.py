"""A long pipeline runs in parts: all the documents go through one part of it before the next begins.

A stage asks the one before it for a document, which asks the one before that, and Python bounds how deep that goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import Kept
from amongo.aggregate.stages.stage import Run
from amongo.runtime.limits import CHAINED_STAGES


def run_in_parts(
    runs: Sequence[Run], names: Sequence[str], documents: Iterable[Document], environment: Environment
) -> Iterator[Document]:
    """What comes out of the stages, lazily as a whole: nothing is done before the first document is asked for.

    runs     the stages
    names    theirs, for messages
    errors   those of the stages, and of `Kept.of`
    """
    kept: Kept | None = None
    try:
        for start in range(0, len(runs), CHAINED_STAGES):
            if start:
                before, kept = kept, Kept.of(documents, environment, names[start - 1])
                if before is not None:
                    before.close()
                documents = kept
            for run in runs[start : start + CHAINED_STAGES]:
                documents = run(documents, environment)
        yield from documents
    finally:
        if kept is not None:
            kept.close()

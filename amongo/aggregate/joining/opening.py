"""How partners are found, chosen once for one run of a stage."""

from __future__ import annotations

from amongo.aggregate.environment import Environment
from amongo.aggregate.joining.indexed import PartnersById, PartnersByIndex, index_plan
from amongo.aggregate.joining.partners import Partners, hashed_partners
from amongo.aggregate.joining.sources import Accepts, KeptSource, Source, StoredSource
from amongo.values.order import Collator
from amongo.values.paths import FieldPath


def open_partners(
    environment: Environment,
    collection: str,
    path: FieldPath,
    collator: Collator | None,
    accepts: Accepts | None = None,
    accept_fields: frozenset[str] | None = frozenset(),
) -> Partners:
    """What finds the documents of a collection by the values that they hold at a path.

    collation       compares strings by `collator`; None by their bytes
    accepts         what a document has to satisfy besides; None for nothing
    accept_fields   the top-level fields that this looks at; None for all
    errors          those of the view that is read, SPILL_TOO_LARGE, SPILL_DISK_FULL, OSError
    """
    database = environment.database
    stored = environment.stored(database, collection)
    if stored is None:
        source: Source = KeptSource(lambda: environment.read(database, collection), environment, accepts)
        return hashed_partners(source, path, collator, environment)
    if path.parts == ("_id",) and stored.collection.collator is collator:
        return PartnersById(stored, accepts)
    names = None if accept_fields is None else accept_fields | {path.first}

    def hashed() -> Partners:
        return hashed_partners(StoredSource(stored, environment, names, accepts), path, collator, environment)

    if len(stored.collection.indexes) and index_plan(stored, path, [0], collator).stage == "IXSCAN":
        return PartnersByIndex(stored, path, collator, environment, accepts, hashed)
    return hashed()

"""MongoDB's update language: parse an update once, apply it to documents, say what changed.

    update = parse_update({"$set": {"a.b": 1}, "$inc": {"n": 2}})
    outcome = update.apply(document, now=…, clock_timestamp=…)
    outcome.document       the new document, or None when the update changes nothing
    outcome.description    what changed, as change streams show it

`parse` parses, `update` applies, `plain` does it all at once for the common kind; `tree` and `application` are the
paths; every operator is one function in a family file (`fields`, `arithmetic`, `rename`, `arrays`, `push`), entered in
`registry`.
"""

from amongo.mql.updates import arithmetic, arrays, fields, push, rename
from amongo.mql.updates.difference import describe
from amongo.mql.updates.not_yet import NOT_YET
from amongo.mql.updates.parse import UPDATE_STAGES, parse_update
from amongo.mql.updates.plain import PlainShape, apply_plain, plain_shape
from amongo.mql.updates.registry import OPERATORS
from amongo.mql.updates.update import Outcome, Update
from amongo.mql.updates.upserts import filter_fields, upsert_document

__all__ = [
    "NOT_YET",
    "OPERATORS",
    "UPDATE_STAGES",
    "Outcome",
    "PlainShape",
    "Update",
    "apply_plain",
    "describe",
    "filter_fields",
    "parse_update",
    "plain_shape",
    "upsert_document",
]

del arithmetic, arrays, fields, push, rename

"""Projections: which fields of a document are shown, and what is computed in their place."""

from amongo.mql.projections.parse import DOCUMENTATION, RECORD_ID_FIELD, parse_projection
from amongo.mql.projections.projection import Projection

__all__ = ["DOCUMENTATION", "RECORD_ID_FIELD", "Projection", "parse_projection"]

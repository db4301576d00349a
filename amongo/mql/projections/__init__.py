"""Projections: which fields of a document are shown, and what is computed in their place."""

from amongo.mql.projections.parse import NOT_YET, parse_projection
from amongo.mql.projections.projection import Projection

__all__ = ["NOT_YET", "Projection", "parse_projection"]

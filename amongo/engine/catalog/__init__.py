"""The catalog: which collections there are."""

from amongo.engine.catalog.catalog import Catalog

__all__ = ["Catalog"]

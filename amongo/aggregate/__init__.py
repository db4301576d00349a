"""Aggregation: one pipeline is parsed once, bound once, and run over an iterable of documents."""

from amongo.aggregate.environment import Environment
from amongo.aggregate.pipeline import Pipeline, parse_pipeline

__all__ = ["Environment", "Pipeline", "parse_pipeline"]

"""Aggregation: one pipeline is parsed once, bound once, and run over an iterable of documents."""

from amongo.aggregate.columnar import Columnar, NoColumns
from amongo.aggregate.environment import Environment, Stored
from amongo.aggregate.metadata import carried_keywords, run_with_metadata
from amongo.aggregate.pipeline import Pipeline, check_stage_names, parse_pipeline
from amongo.aggregate.stored import run_on_stored

__all__ = [
    "Columnar",
    "Environment",
    "NoColumns",
    "Pipeline",
    "Stored",
    "carried_keywords",
    "check_stage_names",
    "parse_pipeline",
    "run_on_stored",
    "run_with_metadata",
]

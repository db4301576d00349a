"""$search and its kin: refused, as on every deployment without search indexes."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Stage, Surroundings
from amongo.errors import diagnosis as errors


@stage("$search")
def parse_search(spec: Any, surroundings: Surroundings) -> Stage:
    """Search with a search index.

    spec     not looked at
    result   none
    errors   SEARCH_NOT_ENABLED
    source   manual, $search
    """
    raise errors.SEARCH_NOT_ENABLED(name="$search")


@stage("$searchBeta")
def parse_search_beta(spec: Any, surroundings: Surroundings) -> Stage:
    """An older name of $search.

    spec     not looked at
    result   none
    errors   SEARCH_NOT_ENABLED
    source   manual, $search
    """
    raise errors.SEARCH_NOT_ENABLED(name="$searchBeta")


@stage("$searchMeta")
def parse_search_meta(spec: Any, surroundings: Surroundings) -> Stage:
    """Facts about a search.

    spec     not looked at
    result   none
    errors   SEARCH_NOT_ENABLED
    source   manual, $searchMeta
    """
    raise errors.SEARCH_NOT_ENABLED(name="$searchMeta")


@stage("$vectorSearch")
def parse_vector_search(spec: Any, surroundings: Surroundings) -> Stage:
    """Search for near vectors with a search index.

    spec     not looked at
    result   none
    errors   SEARCH_NOT_ENABLED
    source   manual, $vectorSearch
    """
    raise errors.SEARCH_NOT_ENABLED(name="$vectorSearch")


@stage("$listSearchIndexes")
def parse_list_search_indexes(spec: Any, surroundings: Surroundings) -> Stage:
    """The search indexes of a collection.

    spec     not looked at
    result   none
    errors   SEARCH_INDEXES_NOT_ENABLED
    source   manual, $listSearchIndexes
    """
    raise errors.SEARCH_INDEXES_NOT_ENABLED()

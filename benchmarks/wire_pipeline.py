"""One client that runs a pipeline over all documents, and says how many they are: `python -m benchmarks.wire_pipeline`

The stages are asked of the interpreter and of the columns.
"""

import json
import sys
from typing import Any

from pymongo import MongoClient


def counted(address: str) -> int:
    """Run the pipelines; how many documents the groups hold."""
    group: dict[str, Any] = {"$group": {"_id": "$address.city", "count": {"$sum": 1}, "visits": {"$avg": "$visits"}}}
    with MongoClient[dict[str, Any]](f"mongodb://{address}") as client:
        people = client["bench"]["people"]
        by_columns = sum(each["count"] for each in people.aggregate([group]))
        words = {"$set": {"words": {"$size": {"$split": ["$name", " "]}}}}
        interpreted = sum(each["count"] for each in people.aggregate([words, {"$match": {"words": {"$gt": 1}}}, group]))
    return by_columns if by_columns == interpreted else -1


if __name__ == "__main__":
    print(json.dumps(counted(sys.argv[1])))

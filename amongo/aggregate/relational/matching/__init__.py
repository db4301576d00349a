"""Match operators as conditions. The modules register themselves; here is the list of them."""

from amongo.aggregate.relational.matching import (
    arrays,
    comparison,
    computed,
    element,
    elements,
    logical,
    membership,
    patterns,
    values,
)

__all__ = ["arrays", "comparison", "computed", "element", "elements", "logical", "membership", "patterns", "values"]

"""Hashes of strings and binary data: $hash, $hexHash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import xxhash
from bson import Binary

from amongo.errors import Condition
from amongo.errors import hashing as errors
from amongo.mql.expressions.conversions import stored_bytes
from amongo.mql.expressions.registry import named
from amongo.mql.expressions.truth import is_nullish
from amongo.values.types import alias
from amongo.values.wording import shown

_ALGORITHMS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "xxh64": lambda data: xxhash.xxh64_digest(data),  # big-endian, with the seed 0
}
_REQUIRED: Final[dict[str, Condition]] = {"input": errors.HASH_WITHOUT_FIELD, "algorithm": errors.HASH_WITHOUT_FIELD}


@named("$hash", required=_REQUIRED, not_object=errors.HASH_NEEDS_OBJECT, unknown=errors.HASH_UNKNOWN_FIELD)
def hash_of(value: Any, algorithm: Any) -> bytes | None:
    """The hash of a string or of binary data.

    args     {input: string or binary data, algorithm: "md5", "sha256" or "xxh64"}
    result   binary data of subtype 0: 16, 32 or 8 bytes; null for an input that is null or missing
    errors   HASH_NEEDS_OBJECT, HASH_UNKNOWN_FIELD, HASH_WITHOUT_FIELD; HASH_INPUT_TYPE, HASH_ALGORITHM_TYPE,
             HASH_ALGORITHM_UNKNOWN
    order    the input is looked at first: with null the algorithm may be anything
    source   manual, $hash
    """
    if is_nullish(value):
        return None
    if type(value) is str:
        data = value.encode()
    elif type(value) in (bytes, Binary):
        data = stored_bytes(value)
    else:
        raise errors.HASH_INPUT_TYPE(kind=alias(value), value=shown(value))
    if type(algorithm) is not str:
        raise errors.HASH_ALGORITHM_TYPE(kind=alias(algorithm), value=shown(algorithm))
    digest = _ALGORITHMS.get(algorithm)
    if digest is None:
        raise errors.HASH_ALGORITHM_UNKNOWN(algorithm=algorithm)
    return digest(data)


@named("$hexHash", required=_REQUIRED, not_object=errors.HASH_NEEDS_OBJECT, unknown=errors.HASH_UNKNOWN_FIELD)
def hex_hash_of(value: Any, algorithm: Any) -> str | None:
    """The hash of a string or of binary data, in hexadecimal digits.

    args     {input: string or binary data, algorithm: "md5", "sha256" or "xxh64"}
    result   a string of 32, 64 or 16 upper-case digits; null for an input that is null or missing
    errors   those of $hash
    source   manual, $hexHash
    """
    digest = hash_of(value, algorithm)
    return None if digest is None else digest.hex().upper()

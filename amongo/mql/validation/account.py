"""The account of a failed validation: `errInfo` of error 121.

It names the document by its `_id` and tells in `details` which parts of the validator failed and on which values. One
that would be too large is made again without operands and values; one that is too large even then, or nested too deep,
says that alone. (Source: manual, Schema Validation, "Choose How to Handle Invalid Documents"; messages of servers.)
"""

from __future__ import annotations

from typing import Any

from amongo.errors import ServerError
from amongo.mql.schema import Report
from amongo.mql.validation.clauses import Validator
from amongo.runtime.limits import ACCOUNT_BYTES, ACCOUNT_DEPTH
from amongo.values.codec import encode


def failure_account(validator: Validator, document: dict[str, Any]) -> dict[str, Any]:
    """The account of a document that fails.

    document   with its `_id`
    result     failingDocumentId and details; or, in place of details, a note
    """
    head = {"failingDocumentId": document["_id"]}
    for is_short in (False, True):
        try:
            details = validator.explain(document, Report(is_short))
        except ServerError as error:
            note = "failed to generate document validation error"
            reply = {"code": error.code, "codeName": error.code_name, "errmsg": error.message}
            return {**head, "note": note, "details": reply}
        account = {**head, **({"truncated": True} if is_short else {}), "details": details}
        if _depth(account) > ACCOUNT_DEPTH:
            return {"reason": "generated error was too deeply nested", "truncated": True}
        if len(encode(account)) <= ACCOUNT_BYTES:
            return account
    return {**head, "note": "detailed error was too large"}


def _depth(account: dict[str, Any]) -> int:
    """How many documents and arrays are nested in one another."""
    depth, level = 0, [account]
    while level:
        depth += 1
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if type(child) in (dict, list)
        ]
    return depth

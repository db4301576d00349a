"""Why a document fails a validator: the server's account of it (`errInfo`), for schemas and for query operators."""

from amongo.mql.validation.account import failure_account
from amongo.mql.validation.clauses import Validator, parse_validator

__all__ = ["Validator", "failure_account", "parse_validator"]

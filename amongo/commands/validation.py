"""Document validation: the options of a collection that say which documents it takes, and their enforcement.

`create` and `collMod` check the options here and keep them with the collection; every command that writes asks here
whether a document may be stored. A validator is compiled when the first document is checked, and again when the options
change: the collection keeps what was compiled. One without a validator costs a write one look at an attribute.

Source: manual, Schema Validation; create, collMod, "Document Validation".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.restricted_filters import check_restricted
from amongo.commands.variables import runtime_variables
from amongo.engine.records import Collection
from amongo.errors import ServerError
from amongo.errors import schema as errors
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.matcher.tree import Match
from amongo.mql.schema import ENCRYPTION_KEYWORDS, Schema
from amongo.mql.validation import failure_account, parse_validator
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode
from amongo.values.order import Collator

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

LEVELS: Final = ("off", "strict", "moderate")
ACTIONS: Final = ("error", "warn", "errorAndLog")
VALIDATION_OPTIONS: Final = ("validator", "validationLevel", "validationAction")

_INTERNAL_DATABASES: Final = frozenset({"admin", "config", "local"})
_REFUSED_EXPRESSIONS: Final = {"$function": errors.VALIDATOR_FUNCTION, "$_internalJsEmit": errors.VALIDATOR_EMIT}
_NO_MOMENT: Final = {"NOW": None, "CLUSTER_TIME": None}

_log = logging.getLogger("amongo.validation")


# Options


def check_validator(options: Mapping[str, Any]) -> None:
    """Refuse what cannot be a validator, or not with this level and action.

    options   those of `VALIDATION_OPTIONS` that are given; the others are absent or None
    errors    ENCRYPTION_NOT_STRICT, VALIDATOR_FUNCTION, VALIDATOR_EMIT, those of `check_restricted` and of the filter
    """
    validator = options.get("validator")
    if not validator:
        return
    check_restricted(validator)
    _check_expressions(validator)
    expression = parse_filter(validator, variables=_NO_MOMENT)
    is_strict = options.get("validationLevel") in (None, "strict")
    if not (is_strict and options.get("validationAction") in (None, "error")) and _uses_encryption(expression):
        raise errors.ENCRYPTION_NOT_STRICT()


def check_validated_namespace(namespace: str, validator: dict[str, Any] | None) -> None:
    """Refuse a validator on a collection that belongs to the server.

    errors   VALIDATOR_ON_SYSTEM, VALIDATOR_ON_INTERNAL
    """
    database, _, name = namespace.partition(".")
    if validator and name.startswith("system."):
        raise errors.VALIDATOR_ON_SYSTEM(namespace=namespace)
    if validator and database in _INTERNAL_DATABASES:
        raise errors.VALIDATOR_ON_INTERNAL(namespace=namespace, database=database)


def modified_validation(namespace: str, options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a collection after `collMod` has changed its validation.

    options   as they are
    changes   what collMod is asked to change, that of `VALIDATION_OPTIONS` among it
    result    with level and action always written out, as the server keeps them from then on; without the validator
              if it is {}
    errors    those of `check_validated_namespace` and `check_validator`
    """
    if not any(name in changes for name in VALIDATION_OPTIONS):
        return dict(options)
    defaults = {"validator": {}, "validationLevel": "strict", "validationAction": "error"}
    merged = {name: changes.get(name, options.get(name, default)) for name, default in defaults.items()}
    check_validated_namespace(namespace, changes.get("validator"))
    check_validator(merged)
    if not merged["validator"]:
        del merged["validator"]
    return {name: value for name, value in options.items() if name not in VALIDATION_OPTIONS} | merged


def _uses_encryption(expression: MatchExpression) -> bool:
    if isinstance(expression.operand, Schema):
        return expression.operand.uses(ENCRYPTION_KEYWORDS)
    return any(map(_uses_encryption, expression.children))


def _check_expressions(value: Any) -> None:
    """Refuse expressions that run JavaScript. errors: VALIDATOR_FUNCTION, VALIDATOR_EMIT."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) is dict:
            for name in _REFUSED_EXPRESSIONS.keys() & each.keys():
                raise _REFUSED_EXPRESSIONS[name]()
            waiting += each.values()
        elif type(each) is list:
            waiting += each


# Enforcement


@dataclass(frozen=True, slots=True)
class Validation:
    """The validation of one collection, ready to run.

    options         of the collection, from which it was compiled
    matches         whether a document passes
    filter          as it was written
    collator        of the collection
    variables       of the moment of the last check, for `$expr`
    reads_moment    whether the filter may read them
    is_moderate     documents that fail already may be changed and fail still
    refuses         a document that fails is not stored
    logs            a document that fails is logged
    """

    options: dict[str, Any]
    matches: Match
    filter: dict[str, Any]
    collator: Collator | None
    variables: dict[str, Any]
    reads_moment: bool
    is_moderate: bool
    refuses: bool
    logs: bool

    def passes(self, document: dict[str, Any]) -> bool:
        """Whether a document passes; one on which the validator fails does not."""
        try:
            return self.matches(document)
        except ServerError:
            return False

    def account(self, document: dict[str, Any]) -> dict[str, Any]:
        """Why a document fails: the server's `errInfo`."""
        validator = parse_validator(self.filter, variables=self.variables, collator=self.collator)
        return failure_account(validator, document)


def check_inserted(instance: Instance, collection: Collection, document: dict[str, Any]) -> None:
    """Refuse a new document that fails; the caller has seen that the collection `is_validated`.

    errors   VALIDATION_FAILED
    """
    validation = _validation(instance, collection)
    if not validation.passes(document):
        _fail(validation, collection, document)


def check_updated(instance: Instance, collection: Collection, before: dict[str, Any], document: dict[str, Any]) -> None:
    """Refuse a document that fails after a change, unless it failed before and the level is moderate.

    errors   VALIDATION_FAILED
    """
    validation = _validation(instance, collection)
    if validation.passes(document) or (validation.is_moderate and not validation.passes(before)):
        return
    _fail(validation, collection, document)


def check_inserted_raw(instance: Instance, collection: Collection, raw: bytes) -> None:
    """`check_inserted` for a document in BSON."""
    check_inserted(instance, collection, decode(raw))


def count_failing(instance: Instance, collection: Collection, interrupt: Interrupt) -> int:
    """How many documents of a collection fail its validator; 0 for a collection without one.

    Source: manual, validate, `nNonCompliantDocuments`.
    """
    if not collection.is_validated:
        return 0
    validation = _validation(instance, collection)
    return sum(not validation.passes(decode(raw)) for _, raw in interrupt.watch(instance.store.view(collection)))


def _fail(validation: Validation, collection: Collection, document: dict[str, Any]) -> None:
    account = validation.account(document)
    if validation.logs:
        _log.warning("Document would fail validation: %s: %s", collection.namespace, account)
    if validation.refuses:
        raise errors.VALIDATION_FAILED(extra={"errInfo": account})


def _validation(instance: Instance, collection: Collection) -> Validation:
    """What the collection's options say, compiled, with the variables of this moment."""
    validation = collection.validation
    if not isinstance(validation, Validation) or validation.options is not collection.options:
        validation = collection.validation = _compile(collection)
    if validation.reads_moment:
        validation.variables.update(runtime_variables(instance))
    return validation


def _compile(collection: Collection) -> Validation:
    options, variables = collection.options, dict[str, Any](_NO_MOMENT)
    filter, action = options["validator"], options.get("validationAction", "error")
    return Validation(
        options,
        parse_filter(filter, variables=variables, collator=collection.collator).bind(),
        filter,
        collection.collator,
        variables,
        reads_moment="$expr" in str(filter),
        is_moderate=options.get("validationLevel") == "moderate",
        refuses=action != "warn",
        logs=action != "error",
    )

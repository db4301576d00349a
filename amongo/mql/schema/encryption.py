"""Keywords for fields that a client has encrypted: `encrypt`, `encryptMetadata`.

Nothing is encrypted or decrypted here. `encrypt` asks that a value is binary data of the subtype for encrypted values,
whose header says of which type the value was. (Source: manual, $jsonSchema, CSFLE schemas.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bson.binary import Binary

from amongo.errors import schema as errors
from amongo.mql.schema.registry import KeywordClause, keyword
from amongo.mql.schema.rule import Details, Report, Rule, Test
from amongo.mql.schema.types import named_types
from amongo.values.types import BsonType, alias

ENCRYPTION_KEYWORDS: Final = frozenset({"encrypt", "encryptMetadata"})
"""Keywords that a validator may have only where it is strict and refuses documents."""

_ENCRYPTED_SUBTYPE: Final = 6
_HEADER_BYTES: Final = 18  # kind, UUID of the key, type of the value
_TYPE_AT: Final = 17
_ALGORITHMS: Final = frozenset({"AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic", "AEAD_AES_256_CBC_HMAC_SHA_512-Random"})


@dataclass(frozen=True, slots=True)
class Encrypted(Rule):
    """The value is encrypted, and was of one of some types; None for any."""

    types: frozenset[BsonType] | None

    def bind(self) -> Test:
        types = self.types
        return lambda value: _is_encrypted(value) and (types is None or _type_of(value) in types)

    def explain(self, value: Any, report: Report) -> Details:
        reason = "encrypted value has wrong type" if _is_encrypted(value) else "value was not encrypted"
        return [{"operatorName": "encrypt", "reason": reason}]


def _is_encrypted(value: Any) -> bool:
    return type(value) is Binary and value.subtype == _ENCRYPTED_SUBTYPE


def _type_of(value: Binary) -> int | None:
    """The type that the header names; None where there is no whole header."""
    return value[_TYPE_AT] if len(value) >= _HEADER_BYTES else None


@keyword("encrypt")
def encrypt(clause: KeywordClause) -> Rule:
    """The value is encrypted.

    operand   document of `keyId`, `bsonType`, `algorithm`, each of which may be absent
    errors    NOT_AN_OBJECT, ENCRYPTION_FIELD_UNKNOWN, ENCRYPTION_FIELD_TYPE, ALGORITHM_UNKNOWN, KEY_ID_KIND, …, and
              those of `bsonType`
    source    manual, $jsonSchema, `encrypt`
    """
    operand = _check_fields(clause, frozenset({"keyId", "bsonType", "algorithm"}))
    types = named_types("bsonType", operand["bsonType"]) if "bsonType" in operand else None
    return Encrypted("encrypt", types)


@keyword("encryptMetadata")
def encrypt_metadata(clause: KeywordClause) -> None:
    """What the `encrypt` below it takes where it says nothing itself; it tests nothing.

    operand   document of `keyId` and `algorithm`, one of them at least
    errors    KEYWORDS_EXCLUSIVE, METADATA_EMPTY, and as for `encrypt`
    source    manual, $jsonSchema, `encryptMetadata`
    """
    if "encrypt" in clause.siblings:
        raise errors.KEYWORDS_EXCLUSIVE(one="encrypt", other="encryptMetadata")
    if clause.operand == {}:
        raise errors.METADATA_EMPTY()
    _check_fields(clause, frozenset({"keyId", "algorithm"}))


def _check_fields(clause: KeywordClause, known: frozenset[str]) -> dict[str, Any]:
    operand = clause.operand
    if type(operand) is not dict:
        raise errors.NOT_AN_OBJECT(name=clause.keyword)
    for name, value in operand.items():
        if name not in known:
            raise errors.ENCRYPTION_FIELD_UNKNOWN(keyword=clause.keyword, name=name)
        if name == "keyId":
            _check_key_id(value)
        elif name == "algorithm" and type(value) is not str:
            raise errors.ENCRYPTION_FIELD_TYPE(
                keyword=clause.keyword, name=name, actual=alias(value), expected="string"
            )
        elif name == "algorithm" and value not in _ALGORITHMS:
            raise errors.ALGORITHM_UNKNOWN(keyword=clause.keyword, value=value)
    return dict(operand)


def _check_key_id(value: Any) -> None:
    """A pointer into the document, or UUIDs of keys.

    errors   KEY_ID_KIND, KEY_ID_NOT_BINARY, KEY_ID_NOT_UUID, POINTER_EMPTY, POINTER_RELATIVE
    """
    if type(value) is str:
        if not value:
            raise errors.POINTER_EMPTY()
        if not value.startswith("/"):
            raise errors.POINTER_RELATIVE()
        return
    if type(value) is not list:
        raise errors.KEY_ID_KIND(actual=alias(value))
    for each in value:
        if alias(each) != "binData":
            raise errors.KEY_ID_NOT_BINARY(actual=alias(each))
        subtype = each.subtype if type(each) is Binary else 0
        if subtype != 4:
            raise errors.KEY_ID_NOT_UUID(actual=subtype)

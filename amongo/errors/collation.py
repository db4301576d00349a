"""Errors of collations: what their documents say, and what this installation cannot compute."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

LOCALE_NUL = condition(ErrorCode.BadValue, "Field 'locale' cannot contain null byte. Collation spec: {collation}")
LOCALE_EMPTY = condition(ErrorCode.BadValue, "Field 'locale' cannot be the empty string in: {collation}")
LOCALE_INVALID = condition(ErrorCode.BadValue, "Field 'locale' is invalid in: {collation}{proposal}")
WRONG_VERSION = condition(
    ErrorCode.IncompatibleCollationVersion,
    "Requested collation version {version} but the only available collator version was {available}. Requested "
    "collation spec: {collation}",
)
BACKWARDS_WITHOUT_ACCENTS = condition(ErrorCode.BadValue, "'backwards' is invalid with 'strength' of 1 in: {collation}")
CASE_FIRST_WITHOUT_CASE = condition(
    ErrorCode.BadValue,
    "'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater than 2 in: {collation}",
)

# What the server can and amongo cannot
NEEDS_ICU = condition(
    ErrorCode.CommandNotSupported,
    "the collation {collation} needs the library ICU: install amongo with its extra 'collation'",
)
VARIANT_GONE = condition(
    ErrorCode.CommandNotSupported, "the collation locale '{locale}' is not in amongo: ICU has given it up"
)

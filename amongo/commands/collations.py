"""The `collation` option: what its document may say, and which collation an operation has. Source: manual, Collation.

An operation that names none has that of its collection. Strings are compared by their bytes where neither names one,
and where the operation asks for `{locale: "simple"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.commands.fields import Field, parse_fields
from amongo.commands.views import View, find_view, foreign_collections
from amongo.engine.catalog import Catalog
from amongo.engine.records import Collection
from amongo.errors import collation as errors
from amongo.errors import command
from amongo.errors import view as view_errors
from amongo.values.collation import (
    SIMPLE,
    VERSION,
    Collation,
    Options,
    collator,
    is_locale,
    locale_defaults,
    nearest_locale,
)
from amongo.values.order import Collator
from amongo.values.wording import shown

_FIELDS: Final = {
    "locale": Field("string", required=True),
    "caseLevel": Field("bool"),
    "caseFirst": Field("string"),
    "strength": Field("integer", minimum=0, maximum=5, bound_code=2),
    "numericOrdering": Field("bool"),
    "alternate": Field("string"),
    "maxVariable": Field("string"),
    "normalization": Field("bool"),
    "backwards": Field("bool", refuses_null=True),
    "version": Field("string"),
}
_VALUES: Final = {
    "caseFirst": ("upper", "lower", "off"),
    "alternate": ("non-ignorable", "shifted"),
    "maxVariable": ("punct", "space"),
}
_OPTIONS: Final = {
    "caseLevel": "case_level",
    "caseFirst": "case_first",
    "strength": "strength",
    "numericOrdering": "numeric_ordering",
    "alternate": "alternate",
    "maxVariable": "max_variable",
    "normalization": "normalization",
    "backwards": "backwards",
}


def asked_collation(document: Mapping[str, Any] | None) -> Collation | None:
    """The collation that an operation asks for; None where it asks for none: the option is absent, null or {}.

    errors   those of `parse_collation`
    """
    return parse_collation(document) if document else None


def parse_collation(document: Mapping[str, Any], context: str = "collation") -> Collation:
    """The collation of a document, with what the locale says of the fields that are absent or null.

    context   what errors call the document: "collation", "create.collation"
    errors    UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, NOT_ENUMERATED, LOCALE_NUL, LOCALE_EMPTY, LOCALE_INVALID,
              WRONG_VERSION, BACKWARDS_WITHOUT_ACCENTS, CASE_FIRST_WITHOUT_CASE; NEEDS_ICU, VARIANT_GONE
    """
    fields = parse_fields(context, document, _FIELDS, generic={})
    for name, allowed in _VALUES.items():
        if fields[name] is not None and fields[name] not in allowed:
            raise command.NOT_ENUMERATED(value=fields[name], field=f"{context}.{name}")
    locale = fields["locale"]
    if "\0" in locale:
        raise errors.LOCALE_NUL(collation=shown(document))
    if locale == "simple":
        return SIMPLE
    _check_locale(locale, document)
    given = {_OPTIONS[name]: fields[name] for name in _OPTIONS if fields[name] is not None}
    if given.get("strength") == 0:
        raise command.NOT_ENUMERATED(value=0, field=f"{context}.strength")
    if fields["version"] not in (None, VERSION):
        raise errors.WRONG_VERSION(version=fields["version"], available=VERSION, collation=shown(document))
    options = Options(locale, **(locale_defaults(locale) | given))
    if options.backwards and options.strength == 1:
        raise errors.BACKWARDS_WITHOUT_ACCENTS(collation=shown(document))
    if options.case_first != "off" and not options.case_level and options.strength <= 2:
        raise errors.CASE_FIRST_WITHOUT_CASE(collation=shown(document))
    collation = Collation(options)
    _ = collation.collator  # so that one that cannot be computed is refused here
    return collation


def _check_locale(locale: str, document: Mapping[str, Any]) -> None:
    if not locale:
        raise errors.LOCALE_EMPTY(collation=shown(document))
    if not is_locale(locale):
        nearest = nearest_locale(locale)
        proposal = f". Did you mean '{nearest}'?" if nearest else ""
        raise errors.LOCALE_INVALID(collation=shown(document), proposal=proposal)


def stored_collation(collation: Collation) -> dict[str, Any] | None:
    """The collation as a collection or a view keeps it: None for the simple one, which is what there is without."""
    return None if collation.is_simple else collation.document()


def collator_for(asked: Collation | None, collection: Collection | None) -> Collator | None:
    """How an operation on a collection compares strings; None for by their bytes.

    asked        what the operation asks for, None for nothing
    collection   None where there is none; it has no default then
    """
    if asked is not None:
        return asked.collator
    return None if collection is None else collection.collator


def view_collator(view: View, asked: Collation | None) -> Collator | None:
    """How an operation on a view compares strings: as the view does, whatever the collection below says.

    asked    what the operation asks for, None for nothing; only on measurements may it differ from the view's
    errors   VIEW_COLLATION_OVERRIDDEN
    """
    return collator(view_collation(view, asked))


def view_collation(view: View, asked: Collation | None) -> dict[str, Any] | None:
    """The collation of an operation on a view, as `stored_collation` gives it; see `view_collator`."""
    if asked is None:
        return view.collation
    if not view.is_time_series and stored_collation(asked) != view.collation:
        raise view_errors.VIEW_COLLATION_OVERRIDDEN(namespace=view.namespace)
    return stored_collation(asked)


def collation_for(asked: Collation | None, collection: Collection | None) -> dict[str, Any] | None:
    """The collation of an operation on a collection, as `stored_collation` gives it; see `collator_for`."""
    if asked is not None:
        return stored_collation(asked)
    return None if collection is None else collection.options.get("collation")


def refuse_other_collations(catalog: Catalog, database: str, pipeline: Any, collation: dict[str, Any] | None) -> None:
    """Refuse a pipeline that reads a view of another collation than it has itself.

    pipeline    its stages as they were written
    collation   its own, as `stored_collation` gives it
    errors      VIEW_COLLATION_OVERRIDDEN
    """
    for name in foreign_collections(pipeline):
        view = find_view(catalog, f"{database}.{name}")
        if view is not None and not view.is_time_series and view.collation != collation:
            raise view_errors.VIEW_COLLATION_OVERRIDDEN(namespace=view.namespace)

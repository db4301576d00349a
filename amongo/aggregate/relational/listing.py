"""Arrays as SQL lists: how their elements stand in them, and how one works on each element.

An element is a value like any other: in a list it stands plainly, where all elements are of one slot, or as a struct of
a tag and slots (`Form`). `unpacked` gives the value of an element of which the SQL is known, a variable of a lambda
mostly; `packed` puts a value into a list. Arrays of stored documents have a list of whole elements (documents as their
bytes), and one beside it for each path inside the elements that somebody reads; `each.Elements` takes those together
that a lambda needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from amongo.aggregate.relational.sql import NULL, TRUE, Sql, case, integer, joined, listed, parameter, sql, word
from amongo.aggregate.relational.values import (
    NOTHING,
    NULLISH,
    SQL_TYPES,
    Form,
    Listing,
    ListOrigin,
    NotLowered,
    Value,
    facts_of,
    literal,
    tag_of,
    without,
)
from amongo.engine.columns import (
    BOOL,
    CROSSED,
    DATE,
    DOUBLE,
    OBJECT_ID,
    OTHER,
    STRING,
    WHOLE,
    Path,
    merged,
    slot_of,
)
from amongo.values.types import BsonType

if TYPE_CHECKING:
    pass

MOST_CONSTANTS: Final = 1000
"""How many elements a constant array may have that is written into a statement."""

MOST_LAMBDAS: Final = 3
MOST_TEXT: Final = 20_000
"""How deep lambdas may stand in one another, and how much text there may be in one: in there nothing can be kept."""

ELEMENT: Final = word("e")
"""The variable of lambdas that only turn one form into another."""

_TYPED_NULLS: Final[Mapping[str, Sql]] = {
    WHOLE: Sql("CAST(NULL AS BIGINT)"),
    DOUBLE: Sql("CAST(NULL AS DOUBLE)"),
    STRING: Sql("CAST(NULL AS VARCHAR)"),
    BOOL: Sql("CAST(NULL AS BOOLEAN)"),
    DATE: Sql("CAST(NULL AS BIGINT)"),
    OBJECT_ID: Sql("CAST(NULL AS BLOB)"),
    OTHER: Sql("CAST(NULL AS BLOB)"),
}


# Forms


def form_of(listing: Listing) -> Form:
    """How the elements stand in the list."""
    return Form(listing.element, listing.is_plain, listing.fields, listing.nested)


def listing_in(form: Form, items: Sql, most: int | None = None) -> Listing:
    """The listing of a list whose elements have a form."""
    return Listing(items, form.element, form.is_plain, form.fields, most, nested=form.nested)


def common_form(values: Iterable[Value | Form], *, is_nested: bool = False) -> Form:
    """The form in which all these values can stand in one list.

    is_nested   whether arrays that are at hand alone may be among the elements
    errors      NotLowered for these otherwise, and for documents of different fields
    """
    values = list(values)
    has_arrays = any((each.listing if isinstance(each, Value) else each.nested) is not None for each in values)
    if has_arrays and not is_nested:
        raise NotLowered("a computed array inside an array or a document of one")
    forms = [_form_of_value(each, has_arrays) if isinstance(each, Value) else each for each in values]
    forms = [each for each in forms if each.element.tags] or forms
    facts = merged(form.element for form in forms)
    fields = [form.fields for form in forms]
    if any(each is not None for each in fields):
        first = fields[0]
        if first is None or any(each is None or list(each) != list(first) for each in fields):
            raise NotLowered("an array of documents with different fields")
        given = [each for each in fields if each is not None]
        inside = {name: common_form([each[name] for each in given], is_nested=True) for name in first}
        return Form(facts, False, inside)
    if has_arrays:
        inner = [form.nested for form in forms if BsonType.ARRAY in form.element.tags]
        if None in inner:
            raise NotLowered("arrays of which some are not at hand")
        return Form(facts, False, None, common_form([each for each in inner if each is not None], is_nested=True))
    return Form(facts, len(facts.tags) == 1 and slot_of(min(facts.tags)) is not None)


def _form_of_value(value: Value, has_arrays: bool) -> Form:
    if value.fields is not None:
        fields = {name: common_form([each], is_nested=True) for name, each in value.fields.items()}
        return Form(value.facts, False, fields)
    if has_arrays and BsonType.ARRAY in value.kinds:
        return Form(value.facts, False, None, form_of(elements_of(value)))
    return Form(value.facts, len(value.kinds) == 1 and slot_of(min(value.kinds)) is not None)


def _slots_in(form: Form) -> list[str]:
    """The slots that the structs of a form have."""
    kinds = form.element.tags if form.nested is None else form.element.tags - {BsonType.ARRAY}
    return sorted({slot for slot in map(slot_of, kinds) if slot is not None})


def unpacked(form: Form, element: Sql) -> Value:
    """The value of an element, given what it is called."""
    facts = form.element
    if form.fields is not None:
        places = enumerate(form.fields.items())
        fields = {name: unpacked(each, sql("{}.{}", element, _field(place))) for place, (name, each) in places}
        return Value(facts, tag_of(min(facts.tags)), fields=fields)
    if form.is_plain:
        return Value(facts, tag_of(min(facts.tags)), dict.fromkeys(_slots_in(form), element))
    tag = tag_of(min(facts.tags)) if len(facts.tags) == 1 else sql("{}.tag", element)
    slots = {slot: sql("{}.{}", element, word(slot.lower())) for slot in _slots_in(form)}
    listing = None if form.nested is None else listing_in(form.nested, sql("{}.list", element))
    return Value(facts, tag, slots, listing=listing)


def packed(value: Value, form: Form) -> Sql:
    """What stands in a list for a value, in a form that has room for it."""
    if form.fields is not None:
        assert value.fields is not None
        places = enumerate(form.fields.items())
        parts = [sql("{} := {}", _field(place), packed(value.fields[name], each)) for place, (name, each) in places]
        return sql("struct_pack({})", listed(parts or [sql("tag := {}", _tiny(value.tag))]))
    if form.is_plain:
        return value.slots[_slots_in(form)[0]]
    parts = [sql("tag := {}", _tiny(value.tag))]
    for slot in _slots_in(form):
        parts.append(sql("{} := {}", word(slot.lower()), value.slots.get(slot, _TYPED_NULLS[slot])))
    if form.nested is not None:
        parts.append(sql("list := {}", _packed_array(value, form.nested)))
    return sql("struct_pack({})", listed(parts))


def _packed_array(value: Value, form: Form) -> Sql:
    """The elements of an array inside of another; NULL for what is no array."""
    none = sql("list_extract(list_slice(list_value({}), 1, 0), 1)", empty_list(form))
    if BsonType.ARRAY not in value.kinds:
        return none
    return case([(value.is_kind(BsonType.ARRAY), reformed(elements_of(value), form))], none)


def _tiny(tag: Sql) -> Sql:
    return sql("CAST({} AS TINYINT)", tag)


def _field(at: int) -> Sql:
    return word(f"f{at}")


def _shape(form: Form) -> Any:
    """What is the same for two forms whose elements stand in lists of one SQL type, in the same way."""
    if form.fields is not None:
        return tuple(map(_shape, form.fields.values()))
    if form.nested is not None:
        return _shape(form.nested), tuple(_slots_in(form))
    slots = frozenset(slot_of(tag) for tag in form.element.tags) - {None}
    return form.is_plain and min(form.element.tags), slots


def reformed(listing: Listing, form: Form) -> Sql:
    """The list with its elements in another form, which has room for them."""
    own = form_of(listing)
    if not own.element.tags:
        return case([(sql("({} IS NULL)", listing.items), NULL)], empty_list(form))
    if _shape(own) == _shape(form):
        return listing.items
    return sql("list_transform({}, lambda {}: {})", listing.items, ELEMENT, packed(unpacked(own, ELEMENT), form))


def empty_list(form: Form) -> Sql:
    """A list of that form without elements."""
    blank = packed(_blank(form), form)
    return sql("list_slice(list_value({}), 1, 0)", blank)


def _blank(form: Form) -> Value:
    fields = None if form.fields is None else {name: _blank(each) for name, each in form.fields.items()}
    slots = {slot: _TYPED_NULLS[slot] for slot in map(slot_of, form.element.tags) if slot is not None}
    listing = None if form.nested is None else listing_in(form.nested, empty_list(form.nested))
    return Value(form.element, integer(0), slots, fields, listing)


def as_element(value: Value) -> Value:
    """The value as it stands in an array: null where it is missing."""
    if BsonType.MISSING not in value.kinds:
        return value
    if value.only(BsonType.MISSING):
        return literal(None)
    counts = {kind: count for kind, count in value.facts.counts.items() if kind != BsonType.MISSING}
    facts = replace(value.facts, counts={**counts, int(BsonType.NULL): 1})
    tag = case([(value.is_kind(BsonType.MISSING), tag_of(BsonType.NULL))], value.tag)
    return replace(value, facts=facts, tag=tag, constant=...)


# Listings


def elements_of(value: Value) -> Listing:
    """The elements of the arrays among the values; in rows without an array the list is anything.

    errors   NotLowered where they are not at hand
    """
    if value.listing is not None:
        return value.listing
    if not value.kinds & {BsonType.ARRAY}:
        raise NotLowered("no array comes here")
    if type(value.constant) is list:
        return constant_listing(value.constant)
    origin = value.origin
    if origin is None or origin.elements is None or value.slots.get(OTHER) != origin.other:
        raise NotLowered("the elements of these arrays are not at hand")
    return origin.elements()


def constant_listing(array: Sequence[Any]) -> Listing:
    """The elements of a constant array.

    errors   NotLowered for one that is too long, or whose elements cannot stand in one list
    """
    if len(array) > MOST_CONSTANTS:
        raise NotLowered(f"a constant array of more than {MOST_CONSTANTS} elements")
    values = [replace(literal(each), fields=None) for each in array]
    if not values:
        return Listing(Sql("CAST([] AS STRUCT(tag TINYINT)[])"), facts_of(()), False, most=0)
    form = common_form(values)
    slots = {slot for value in values for slot in value.slots}
    if form.is_plain and slots.isdisjoint({OTHER, OBJECT_ID}):
        (slot,) = slots
        plain = [int(each) if slot in (WHOLE, DATE) else each for each in array]
        return Listing(parameter(plain, f"{SQL_TYPES[slot]}[]"), form.element, True, most=len(array))
    items = sql("list_value({})", listed(packed(value, form) for value in values))
    return listing_in(form, items, len(array))


def array_of(listing: Listing, source: Value | None = None) -> Value:
    """An array for each row; null where `source` is null or missing.

    errors   NotLowered where `source` may be something else
    """
    if source is not None and source.kinds - NULLISH - {BsonType.ARRAY}:
        raise NotLowered("something that is no array may come here")
    return array_where(listing, TRUE if source is None else source.is_kind(BsonType.ARRAY))


def array_where(listing: Listing, condition: Sql) -> Value:
    """An array where a condition (never NULL) holds, null elsewhere."""
    if condition == TRUE:
        return Value(facts_of((BsonType.ARRAY,)), tag_of(BsonType.ARRAY), listing=listing)
    tag = case([(condition, tag_of(BsonType.ARRAY))], tag_of(BsonType.NULL))
    listing = listing.moved(case([(condition, listing.items)], NULL))
    return Value(facts_of((BsonType.ARRAY, BsonType.NULL)), tag, listing=listing)


def length_of(listing: Listing) -> Sql:
    """How many elements; NULL for no array."""
    origin = listing.origin
    if origin is not None and origin.length is not None and origin.items == listing.items:
        return origin.length()
    return sql("len({})", listing.items)


def cut(
    listing: Listing,
    change: Callable[[Sql], Sql],
    most: int | None = None,
    length: Callable[[], Sql] | None = None,
) -> Listing:
    """The listing with another choice or order of its elements.

    change   does that to any list that runs beside it
    length   how many there are then, where that is told more cheaply than by the list
    """
    items = change(listing.items)
    origin = listing.origin
    inner: Callable[[Path], Listing] | None = None
    if origin is not None and origin.within is not None and origin.items == listing.items:
        give = origin.within

        def inner(rest: Path) -> Listing:
            found = give(rest)
            return replace(found, items=change(found.items), origin=None)

    most = listing.most if most is None else most
    return replace(listing, items=items, most=most, origin=ListOrigin(items, inner, length))


def joined_lists(listings: Sequence[Listing]) -> Listing:
    """The elements of some arrays one behind the other; NULL where one is NULL."""
    given = [each for each in listings if each.element.tags] or listings[:1]
    if len(given) == 1:
        return given[0]
    form = common_form(map(form_of, given), is_nested=True)
    items = joined(" || ", [reformed(each, form) for each in given])
    mosts = [each.most for each in given]
    most = None if None in mosts else sum(each or 0 for each in mosts)
    return listing_in(form, sql("({})", items), most)


def choice_of_lists(choices: Sequence[tuple[Sql, Listing | None]], otherwise: Listing | None) -> Listing:
    """The listing of the first branch whose condition holds; None for a branch without arrays."""
    given = [each for each in (*(each for _, each in choices), otherwise) if each is not None]
    form = common_form(map(form_of, given), is_nested=True)

    def items_of(listing: Listing | None) -> Sql:
        return NULL if listing is None else reformed(listing, form)

    items = case([(condition, items_of(each)) for condition, each in choices], items_of(otherwise))

    def inner(rest: Path) -> Listing:
        found = [(condition, _inner(each, rest)) for condition, each in choices]
        return choice_of_lists(found, _inner(otherwise, rest))

    mosts = [each.most for each in given]
    most = None if None in mosts else max(each or 0 for each in mosts)
    return replace(listing_in(form, items, most), origin=ListOrigin(items, inner))


def _inner(listing: Listing | None, rest: Path) -> Listing | None:
    """What is at a path in each element, one for one."""
    return listing if listing is None or not listing.element.tags else beside(listing, rest)


def beside(listing: Listing, rest: Path) -> Listing:
    """The listing of what is at a path in each element, one for one.

    errors   NotLowered
    """
    if listing.fields is not None:
        value: Value = unpacked(form_of(listing), ELEMENT)
        for name in rest:
            if value.fields is None:
                raise NotLowered("a path into documents of a computed array")
            value = value.fields.get(name or "", NOTHING)
        own = common_form([value], is_nested=True)
        items = sql("list_transform({}, lambda {}: {})", listing.items, ELEMENT, packed(value, own))
        return listing_in(own, items, listing.most)
    origin = listing.origin
    if origin is None or origin.within is None or origin.items != listing.items:
        raise NotLowered("a path into documents of a computed array")
    return replace(origin.within(rest), most=listing.most)


def gathered(listing: Listing, rest: Path) -> Listing:
    """What is at a path in the documents among the elements, where it is not missing: as "$items.price" gives it.

    errors   NotLowered where arrays stand in one another
    """
    return present(beside(listing, rest)) if BsonType.OBJECT in listing.element.tags else constant_listing(())


def present(inner: Listing) -> Listing:
    """The values that are not missing, of those at a path in each element.

    errors   NotLowered where arrays stand in one another
    """
    form = form_of(inner)
    if CROSSED in form.element.tags:
        raise NotLowered("arrays inside arrays on the way of a path")
    if BsonType.MISSING not in form.element.tags:
        return inner
    there = without(unpacked(form, ELEMENT), BsonType.MISSING)
    if not there.kinds:
        return constant_listing(())
    items = sql("list_filter({}, lambda {}: {}.tag <> 0)", inner.items, ELEMENT, ELEMENT)
    own = common_form([there], is_nested=True)
    if own.is_plain:
        (slot,) = there.slots
        items = sql("list_transform({}, lambda {}: {}.{})", items, ELEMENT, ELEMENT, word(slot.lower()))
    return listing_in(own, items, inner.most)

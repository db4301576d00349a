"""Documents of types that MongoDB has deprecated: they keep them through inserts, reads and updates of other fields."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from bson.raw_bson import RawBSONDocument

from amongo.commands.instance import Instance
from amongo.errors import ServerError
from amongo.values.codec import decode_foreign, encode
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol

OLD: dict[str, Any] = {
    "_id": 1,
    "u": UNDEFINED,
    "s": Symbol("text"),
    "p": DBPointer("shop.c", ObjectId("0123456789ab0123456789ab")),
    "d": {"u": [UNDEFINED, None], "n": 0},
    "n": 1,
}


def run(instance: Instance, command: dict[str, Any]) -> dict[str, Any]:
    return instance.run_command("shop", encode(command))


def stored(instance: Instance) -> dict[str, Any]:
    document = run(instance, {"find": "c"})["cursor"]["firstBatch"][0]
    assert isinstance(document, RawBSONDocument)
    return decode_foreign(bytes(document.raw))


@pytest.fixture
def old(instance: Instance) -> None:
    """One document of the old types in `shop.c`."""
    assert run(instance, {"insert": "c", "documents": [OLD]})["n"] == 1


def test_inserted_and_read(instance: Instance, old: None) -> None:
    assert stored(instance) == OLD


@pytest.mark.parametrize(
    ("update", "changes"),
    [
        ({"$set": {"n": 2}}, {"n": 2}),
        ({"$inc": {"n": 1, "d.n": 5}}, {"n": 2, "d": {"u": [UNDEFINED, None], "n": 5}}),
        ({"$push": {"d.u": 1}}, {"d": {"u": [UNDEFINED, None, 1], "n": 0}}),
        ({"$set": {"x": Symbol("new")}}, {"x": Symbol("new")}),
        ([{"$set": {"n": {"$add": ["$n", 1]}}}], {"n": 2}),
    ],
    ids=["set", "inc", "push", "set a symbol", "pipeline"],
)
@pytest.mark.parametrize("multi", [False, True], ids=["one", "many"])
def test_an_update_keeps_what_it_does_not_name(
    instance: Instance, old: None, update: Any, changes: dict[str, Any], multi: bool
) -> None:
    statement = {"q": {"n": 1}, "u": update, "multi": multi}
    assert run(instance, {"update": "c", "updates": [statement]})["nModified"] == 1
    assert stored(instance) == {**OLD, **changes}


def test_find_and_modify_keeps_it_too(instance: Instance, old: None) -> None:
    run(instance, {"findAndModify": "c", "query": {"_id": 1}, "update": {"$unset": {"n": 1}}})
    assert stored(instance) == {name: value for name, value in OLD.items() if name != "n"}


def test_undefined_is_no_id_and_no_operand(instance: Instance) -> None:
    assert run(instance, {"insert": "c", "documents": [{"_id": UNDEFINED}]})["writeErrors"][0]["code"] == 53
    with pytest.raises(ServerError) as caught:
        run(instance, {"find": "c", "filter": {"a": UNDEFINED}})
    assert caught.value.code == 2

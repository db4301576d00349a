"""Parameters of the deployment: what is set is shown and kept, and decides how long images are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import Ask
from bson import Int64, Timestamp

from amongo.commands.cluster_parameters import images_since_ms
from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode

NAME = "changeStreamOptions"


def images(seconds: Any) -> dict[str, Any]:
    return {"preAndPostImages": {"expireAfterSeconds": seconds}}


def set_(ask: Ask, seconds: Any) -> dict[str, Any]:
    return ask({"setClusterParameter": {NAME: images(seconds)}}, "admin")


def shown(ask: Ask) -> dict[str, Any]:
    (parameter,) = ask({"getClusterParameter": NAME}, "admin")["clusterParameters"]
    return dict(parameter)


def test_before_it_is_set_it_is_off(ask: Ask) -> None:
    expected = {"_id": NAME, "clusterParameterTime": Timestamp(0, 0), **images("off")}
    assert shown(ask) == expected
    assert list(shown(ask)) == list(expected)
    assert expected in ask({"getClusterParameter": "*"}, "admin")["clusterParameters"]
    assert ask({"getClusterParameter": [NAME, NAME]}, "admin")["clusterParameters"] == [expected, expected]


@pytest.mark.parametrize("seconds", [7200, Int64(7200), 7200.0, 7200.9])
def test_what_is_set_is_shown_as_a_long(ask: Ask, seconds: Any) -> None:
    assert set_(ask, seconds) == {"ok": 1.0}
    found = shown(ask)["preAndPostImages"]["expireAfterSeconds"]
    assert (found, type(found)) == (7200, Int64)


def test_the_time_at_which_it_was_set_grows_with_every_set(ask: Ask, clock: ManualClock) -> None:
    times = [shown(ask)["clusterParameterTime"]]
    for seconds in (10, "off", "off", 20):
        assert set_(ask, seconds)["ok"] == 1.0
        times.append(shown(ask)["clusterParameterTime"])
    clock.advance(5000)
    set_(ask, 30)
    times.append(shown(ask)["clusterParameterTime"])
    assert times == sorted(set(times), key=lambda each: (each.time, each.inc))
    assert times[-1].time - times[1].time == 5


SET_REFUSED: list[tuple[str, Any, int]] = [
    ("null", None, 40414),
    ("a string", "changeStreamOptions", 14),
    ("nothing", {}, 4),
    ("two", {NAME: images(1), "changeStreams": {}}, 72),
    ("an unknown one", {"colour": {"x": 1}}, 4),
    ("another case", {"ChangeStreamOptions": images(1)}, 4),
    ("no name", {"": {"x": 1}}, 4),
    ("no document", {NAME: "off"}, 2),
    ("a dollar", {NAME: {"$bad": 1}}, 52),
    ("a dollar below", {NAME: {"preAndPostImages": {"$bad": 1}}}, 52),
    ("an unknown field", {NAME: {**images(1), "extra": 1}}, 2),
    ("an unknown field of the images", {NAME: {"preAndPostImages": {"expireAfterSeconds": 1, "extra": 1}}}, 2),
    ("an empty document", {NAME: {}}, 2),
    ("no images", {NAME: {"preAndPostImages": None}}, 2),
    ("empty images", {NAME: {"preAndPostImages": {}}}, 2),
    ("another word", {NAME: images("on")}, 2),
    ("zero", {NAME: images(0)}, 2),
    ("a negative number", {NAME: images(-1)}, 2),
    ("a boolean", {NAME: images(True)}, 2),
    ("null seconds", {NAME: images(None)}, 2),
]


@pytest.mark.parametrize(("name", "value", "code"), SET_REFUSED, ids=[name for name, _, _ in SET_REFUSED])
def test_what_cannot_be_set(ask: Ask, name: str, value: Any, code: int) -> None:
    before = shown(ask)
    assert ask({"setClusterParameter": value}, "admin")["code"] == code
    assert shown(ask) == before


GET_REFUSED: list[tuple[str, Any, int]] = [
    ("null", None, 40414),
    ("a number", 1, 14),
    ("a document", {}, 14),
    ("no names", [], 2),
    ("a number for a name", [1], 14),
    ("a list for a name", [[NAME]], 14),
    ("an unknown one", "colour", 4),
    ("an unknown one among others", [NAME, "colour"], 4),
    ("no name", "", 4),
]


@pytest.mark.parametrize(("name", "asked", "code"), GET_REFUSED, ids=[name for name, _, _ in GET_REFUSED])
def test_what_cannot_be_shown(ask: Ask, name: str, asked: Any, code: int) -> None:
    assert ask({"getClusterParameter": asked}, "admin")["code"] == code


def test_on_other_databases_both_are_refused(ask: Ask) -> None:
    assert ask({"getClusterParameter": NAME})["code"] == 13
    assert ask({"setClusterParameter": {NAME: images(1)}})["code"] == 13


def test_a_write_concern_is_refused_and_unknown_fields_are_not(ask: Ask) -> None:
    command = {"setClusterParameter": {NAME: images(1)}}
    assert ask({**command, "writeConcern": {"w": 1}}, "admin")["code"] == 72
    assert ask({**command, "maxTimeMS": 30000, "other": 1}, "admin")["ok"] == 1.0
    assert ask({"getClusterParameter": "*", "other": 1}, "admin")["ok"] == 1.0


def test_it_is_there_after_a_reopening(tmp_path: Path) -> None:
    instance = Instance.open(str(tmp_path / "data"))
    instance.run_command("admin", encode({"setClusterParameter": {NAME: images(60)}}))
    instance.close()
    instance = Instance.open(str(tmp_path / "data"))
    reply = instance.run_command("admin", encode({"getClusterParameter": NAME}))
    assert reply["clusterParameters"][0]["preAndPostImages"] == {"expireAfterSeconds": 60}
    instance.close()


def test_how_long_images_are_there(instance: Instance, ask: Ask, clock: ManualClock) -> None:
    assert images_since_ms(instance) == 0
    set_(ask, 100)
    assert images_since_ms(instance) == clock.now_ms() - 100_000
    clock.advance(7)
    assert images_since_ms(instance) == clock.now_ms() - 100_000
    set_(ask, 2**60)
    assert images_since_ms(instance) == 0
    set_(ask, "off")
    assert images_since_ms(instance) == 0

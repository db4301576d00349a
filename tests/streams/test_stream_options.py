"""What a stream asks for: options by name and type, the start, and which namespaces a scope covers."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Timestamp

from amongo.errors import ServerError
from amongo.streams.options import ChangeStreamOptions, Scope, parse_change_stream, parse_scope
from amongo.streams.tokens import ResumeToken, high_water_mark

TOKEN = ResumeToken(7 << 32)
INVALIDATE = TOKEN._replace(is_invalidate=True)

PARSED: list[tuple[str, dict[str, Any], ChangeStreamOptions]] = [
    ("nothing", {}, ChangeStreamOptions()),
    ("images", {"fullDocument": "updateLookup", "fullDocumentBeforeChange": "required"},
     ChangeStreamOptions("updateLookup", "required")),
    ("null counts as absent", {"fullDocument": None, "resumeAfter": None}, ChangeStreamOptions()),
    ("resumed", {"resumeAfter": TOKEN.as_document()}, ChangeStreamOptions(start=TOKEN)),
    ("started behind an invalidate", {"startAfter": INVALIDATE.as_document()}, ChangeStreamOptions(start=INVALIDATE)),
    ("started at a time", {"startAtOperationTime": Timestamp(7, 1)},
     ChangeStreamOptions(start=high_water_mark(7 << 32 | 1))),
    ("expanded", {"showExpandedEvents": True, "showSystemEvents": True},
     ChangeStreamOptions(is_expanded=True, shows_system=True)),
    ("of no meaning here", {"showMigrationEvents": True, "version": "v2", "supportedEvents": ["x"]},
     ChangeStreamOptions()),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "options"), [case[1:] for case in PARSED], ids=[case[0] for case in PARSED])
def test_parsed(spec: dict[str, Any], options: ChangeStreamOptions) -> None:
    assert parse_change_stream(spec) == options


REFUSED: list[tuple[str, Any, int]] = [
    ("no document", [], 6188500),
    ("unknown", {"fulldocument": "default"}, 40415),
    ("a word of another type", {"fullDocument": 1}, 14),
    ("an unknown word", {"fullDocument": "always"}, 2),
    ("a flag that is a number", {"showExpandedEvents": 1}, 14),
    ("a flag that is null", {"showExpandedEvents": None}, 14),
    ("a token of another type", {"resumeAfter": "x"}, 14),
    ("no token", {"startAfter": {}}, 40647),
    ("two tokens", {"resumeAfter": TOKEN.as_document(), "startAfter": TOKEN.as_document()}, 50865),
    ("token and time", {"resumeAfter": TOKEN.as_document(), "startAtOperationTime": Timestamp(7, 1)}, 40674),
    ("resumed behind an invalidate", {"resumeAfter": INVALIDATE.as_document()}, 260),
]


@pytest.mark.parametrize(("spec", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_change_stream(spec)
    assert caught.value.code == code


CLUSTER = {"allChangesForCluster": True}
SCOPES: list[tuple[str, str, str, dict[str, Any], Scope | int]] = [
    ("a collection", "shop", "fruit", {}, Scope("shop", "fruit")),
    ("a database", "shop", "", {}, Scope("shop")),
    ("the deployment", "admin", "", CLUSTER, Scope()),
    ("the deployment from elsewhere", "shop", "", CLUSTER, 72),
    ("the deployment with a collection", "admin", "fruit", CLUSTER, 72),
    ("admin", "admin", "", {}, 73),
    ("local", "local", "oplog.rs", {}, 73),
    ("config", "config", "", {}, 73),
    ("config, allowed", "config", "x", {"allowToRunOnConfigDB": True}, Scope("config", "x")),
    ("a collection of the server", "shop", "system.views", {}, 73),
    ("the same, allowed", "shop", "system.views", {"allowToRunOnSystemNS": True}, Scope("shop", "system.views")),
]


@pytest.mark.parametrize(
    ("database", "collection", "spec", "scope"), [case[1:] for case in SCOPES], ids=[case[0] for case in SCOPES]
)
def test_scope(database: str, collection: str, spec: dict[str, Any], scope: Scope | int) -> None:
    options = parse_change_stream(spec)
    if isinstance(scope, int):
        with pytest.raises(ServerError) as caught:
            parse_scope(database, collection, options)
        assert caught.value.code == scope
    else:
        assert parse_scope(database, collection, options) == scope


COVERED: list[tuple[str, Scope, str, str, bool, bool]] = [
    ("the collection", Scope("a", "c"), "a", "c", False, True),
    ("another of the database", Scope("a", "c"), "a", "d", False, False),
    ("one of the name elsewhere", Scope("a", "c"), "b", "c", False, False),
    ("any of a database", Scope("a"), "a", "d", False, True),
    ("of another database", Scope("a"), "b", "d", False, False),
    ("any", Scope(), "b", "d", False, True),
    ("of admin", Scope(), "admin", "d", False, False),
    ("of config", Scope(), "config", "d", False, False),
    ("of the server", Scope("a"), "a", "system.views", False, False),
    ("of the server, shown", Scope("a"), "a", "system.views", True, True),
    ("of the server, never shown", Scope("a"), "a", "system.profile", True, False),
    ("a name that begins so", Scope("a"), "a", "systematic", False, True),
    ("measurements", Scope("a"), "a", ".measurements.x", True, False),
    ("a command", Scope("a"), "a", "$cmd", True, False),
]


@pytest.mark.parametrize(
    ("scope", "database", "collection", "shows_system", "covers"),
    [case[1:] for case in COVERED],
    ids=[case[0] for case in COVERED],
)
def test_covered(scope: Scope, database: str, collection: str, shows_system: bool, covers: bool) -> None:
    assert scope.covers(database, collection, shows_system) is covers

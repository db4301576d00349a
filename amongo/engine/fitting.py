"""Making the commits of a damaged log fit what was salvaged before them.

Where commits are lost, later ones may speak of collections and records that nobody has made, and no store opens on
such a log. What they bring along is kept: documents inserted into a collection whose creation is lost make that
collection, without options or indexes. What changes a record that is not there is left out. Nothing is left out in
silence: `problems` has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bson import Binary

from amongo.engine.log import Entry, Frame, entry
from amongo.engine.origin import MARKER
from amongo.values.codec import decode, encode

Fields = dict[str, Any]


class Fitting:
    """The collections that there are as the commits go on.

    problems   what of the last commit did not fit, in words
    """

    def __init__(self, collections: Mapping[bytes, tuple[str, int]], known: Mapping[bytes, int]) -> None:
        """
        collections   by UUID: namespace and next record id of those that there are before the first commit; each
                      record id before that counts as there
        known         by UUID: up to which commit a collection is known; such commits are not needed for it
        """
        self.problems: list[str] = []
        self._namespaces = {uuid: namespace for uuid, (namespace, _) in collections.items()}
        self._bounds = {uuid: bound for uuid, (_, bound) in collections.items()}
        self._known = known
        self._inserted: dict[bytes, set[int]] = {}
        self._fields: dict[bytes, Fields] = {}
        self._sequence = 0

    def fitted(self, frame: Frame) -> Frame | None:
        """What fits of a commit; None if nothing does."""
        self.problems, self._sequence = [], frame.sequence
        entries = frame.entries()
        kept = [piece for each in entries for piece in self._fitting(each)]
        if kept == entries:
            return frame
        if all(decode(each.head)["op"] == MARKER for each in kept):  # what it speaks of is lost
            return None
        return frame._replace(payload=b"".join(entry(*each) for each in kept)) if kept else None

    def _fitting(self, each: Entry) -> Iterator[Entry]:
        fields = self._fields.get(each.head)
        if fields is None:
            fields = decode(each.head)
            if fields["op"] not in ("c", MARKER):
                self._fields[each.head] = fields
        operation, uuid = fields["op"], bytes(fields.get("ui", b""))
        if operation == "c":
            yield from self._command(each, uuid, fields)
        elif operation not in ("i", "u", "d") or not uuid:
            yield each
        elif not self._is_known(uuid):
            yield from self._write(each, uuid, operation, fields["ns"])

    def _is_known(self, uuid: bytes) -> bool:
        return self._known.get(uuid, 0) >= self._sequence

    def _write(self, each: Entry, uuid: bytes, operation: str, namespace: str) -> Iterator[Entry]:
        record_id = each.record_id
        if operation == "i":
            if uuid not in self._bounds:
                self._problem(f"the creation of '{namespace}' is lost, and its options and indexes with it")
                yield self._creation(uuid, namespace)
            self._inserted.setdefault(uuid, set()).update(range(record_id, record_id + len(each.documents)))
            yield each
            return
        inserted = self._inserted.get(uuid, ())
        if uuid not in self._bounds or (record_id >= self._bounds[uuid] and record_id not in inserted):
            self._problem(f"a change of record {record_id} of '{namespace}', which is lost, is left out")
            return
        if operation == "d" and record_id in inserted:
            self._inserted[uuid].discard(record_id)
        yield each

    def _command(self, each: Entry, uuid: bytes, fields: Fields) -> Iterator[Entry]:
        command = fields["o"]
        name = next(iter(command))
        if name == "dropDatabase":
            yield from self._drop_database(fields["ns"].partition(".")[0])
        elif self._is_known(uuid):
            return
        elif name == "create":
            if uuid not in self._bounds:
                self._enter(uuid, f"{fields['ns'].partition('.')[0]}.{command['create']}", 0)
                yield each
        elif uuid not in self._bounds:
            self._problem(f"'{name}' of a collection that is lost is left out")
        else:
            if name == "drop":
                self._forget(uuid)
            elif name == "renameCollection":
                self._namespaces[uuid] = command["to"]
                if "dropTarget" in command:
                    self._forget(bytes(command["dropTarget"]))
            elif name == "convertToCapped":
                self._enter(bytes(command["uuid"]), self._namespaces[uuid], command["kept"] + 1)
                self._forget(uuid)
            yield each

    def _drop_database(self, database: str) -> Iterator[Entry]:
        for uuid, namespace in list(self._namespaces.items()):
            if namespace.startswith(database + ".") and not self._is_known(uuid):
                self._forget(uuid)
                yield _command_entry(uuid, namespace, {"drop": namespace.partition(".")[2]})

    def _creation(self, uuid: bytes, namespace: str) -> Entry:
        self._enter(uuid, namespace, 0)
        return _command_entry(uuid, namespace, {"create": namespace.partition(".")[2], "options": {}})

    def _enter(self, uuid: bytes, namespace: str, bound: int) -> None:
        self._namespaces[uuid], self._bounds[uuid] = namespace, bound

    def _forget(self, uuid: bytes) -> None:
        self._namespaces.pop(uuid, None)
        self._bounds.pop(uuid, None)
        self._inserted.pop(uuid, None)

    def _problem(self, what: str) -> None:
        if not self.problems or self.problems[-1] != what:
            self.problems.append(what)


def _command_entry(uuid: bytes, namespace: str, command: Fields) -> Entry:
    database = namespace.partition(".")[0]
    return Entry(0, encode({"op": "c", "ns": f"{database}.$cmd", "ui": Binary(uuid, 4), "o": command}), [])

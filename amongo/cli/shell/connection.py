"""Where the shell's commands go: a client, a session, and the database that `use` has chosen."""

from __future__ import annotations

from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo.errors import ConfigurationError

from amongo.cli.exact_commands import exact
from amongo.cli.shell.answers import Documents, WriteRefused
from amongo.errors.codes import ErrorCode
from amongo.values.codec import CODEC, decode_foreign, encode_in_order

_RAW = CODEC.with_options(document_class=RawBSONDocument)
_ENVELOPE = ("ok", "$clusterTime", "operationTime", "electionId", "opTime", "lsid")


class Connection:
    """Runs commands.

    database   the current one's name
    """

    def __init__(self, client: Any, database: str) -> None:
        self.client = client
        self.database = database
        try:
            self._session = client.start_session(causal_consistency=False)
        except ConfigurationError:  # a server without sessions
            self._session = None

    def run(self, command: dict[str, Any], database: str | None = None) -> dict[str, Any]:
        """The reply of a command, as canonical values.

        errors   OperationFailure, PyMongoError; WriteRefused for a write that was refused
        """
        target = self.client[database or self.database]
        reply = target.command(exact(command), codec_options=_RAW, session=self._session)
        decoded = decode_foreign(bytes(reply.raw)) if isinstance(reply, RawBSONDocument) else _decoded(reply)
        refused = decoded.get("writeErrors") or [decoded.get("writeConcernError")]
        if refused[0]:
            first = refused[0]
            code = first.get("code")
            raise WriteRefused(first.get("errmsg", ""), code, first.get("codeName") or _name_of(code))
        return decoded

    def documents(self, command: dict[str, Any], database: str | None = None) -> Documents:
        """The documents of a command that gives a cursor.

        errors   as of `run`
        """
        target = self.client.get_database(database or self.database, codec_options=_RAW)  # for getMore as well
        return Documents(target.cursor_command(exact(command), codec_options=_RAW, session=self._session))

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.end_session()


def plain_reply(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply without what concerns drivers alone; `ok` comes last."""
    shown = {name: each for name, each in reply.items() if name not in _ENVELOPE}
    return shown | {"ok": reply["ok"]} if "ok" in reply else shown


def _decoded(reply: Any) -> dict[str, Any]:
    return decode_foreign(encode_in_order(dict(reply)))


def _name_of(code: int | None) -> str | None:
    return None if code is None or code not in set(ErrorCode) else ErrorCode(code).name

"""One session of the shell: runs statements, shows what they give, and remembers what `it` goes on with."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from pymongo.errors import InvalidName, OperationFailure, PyMongoError
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from amongo.cli.refusals import refusal_of
from amongo.cli.shell import collection_calls, database_calls
from amongo.cli.shell.answers import Answer, CallRefused, Documents, End, Nothing, Text, Value, WriteRefused
from amongo.cli.shell.connection import Connection, plain_reply
from amongo.cli.shell.language import Chain, ShellSyntaxError, Statement, Word, statements_of
from amongo.cli.shell.rendering import rendered
from amongo.cli.transfer.extended_json import text_of
from amongo.cli.transfer.malformed import Unwritable
from amongo.runtime.limits import SHELL_PAGE_COUNT

SHELL, RELAXED, CANONICAL = "shell", "relaxed", "canonical"
FORMATS: Final = (SHELL, RELAXED, CANONICAL)
_HELP: Final = """\
use DATABASE                 go to a database
show dbs | collections | users | profile | log [NAME]
it                           the next documents
db.COLLECTION.CALL(…)        a call on a collection; db["NAME"] and db.getCollection("NAME") for other names
db.CALL(…)                   a call on the database
rs.status(), rs.conf()       the replica set
{ping: 1}                    a document is a command of the current database
exit

Values are written as in mongosh or as Extended JSON. JavaScript is not evaluated: mongosh does that.
"""


class ShellSession:
    """Where somebody is in the shell.

    is_paged   documents come in pages, and `it` shows the next one
    """

    def __init__(
        self, client: Any, database: str, output: Console, errors: Console, *, form: str, is_paged: bool
    ) -> None:
        self.connection = Connection(client, database)
        self._output = output
        self._errors = errors
        self._form = form
        self._is_paged = is_paged
        self._rest: Documents | None = None

    @property
    def prompt(self) -> str:
        """What stands before a line."""
        return f"{self.connection.database}> "

    def run(self, text: str) -> tuple[bool, bool]:
        """Run the statements of a text, up to the first that fails.

        result   (all was well, the shell goes on)
        errors   ShellSyntaxError for a text that ends too early
        """
        try:
            statements = statements_of(text)
        except ShellSyntaxError as error:
            if error.is_cut:
                raise
            return self.refuse(f"SyntaxError: {error}"), True
        for statement in statements:
            try:
                answer = self.answer(statement)
                if isinstance(answer, End):
                    return True, False
                self._show(answer)
            except (CallRefused, InvalidName, Unwritable, ValueError, TypeError) as error:
                return self.refuse(f"Error: {error}"), True
            except WriteRefused as error:
                told = ", ".join(str(each) for each in (error.code, error.name) if each is not None)
                return self.refuse(f"{error} (code {told})"), True
            except OperationFailure as error:
                return self.refuse(refusal_of(error)), True
            except PyMongoError as error:
                return self.refuse(f"{type(error).__name__}: {error}"), True
        return True, True

    def refuse(self, message: str) -> bool:
        """Show what went wrong; False."""
        self._errors.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
        return False

    def close(self) -> None:
        """Let everything go."""
        if self._rest is not None:
            self._rest.close()
        self.connection.close()

    def answer(self, statement: Statement) -> Answer:
        """What a statement gives.

        errors   CallRefused, WriteRefused, PyMongoError
        """
        if isinstance(statement, Word):
            return self._word(statement)
        if isinstance(statement, Chain):
            return database_calls.answer_of(self.connection, statement)
        if type(statement.value) is dict and statement.value:
            return Value(plain_reply(self.connection.run(statement.value)))
        return Value(statement.value)

    def _word(self, word: Word) -> Answer:
        if word.name in ("exit", "quit"):
            return End()
        if word.name == "cls":
            self._output.clear()
            return Nothing()
        if word.name == "help":
            return Text(
                f"{_HELP}\ndb: {', '.join(database_calls.CALLS)}\ncollections: {', '.join(collection_calls.CALLS)}"
            )
        if word.name == "it":
            return Nothing() if self._rest is None else self._rest
        if word.name == "use" and len(word.arguments) == 1:
            self.connection.client[word.arguments[0]]  # errors: InvalidName
            self.connection.database = word.arguments[0]
            return Text(f"switched to db {word.arguments[0]}")
        if word.name == "show" and word.arguments:
            return self._shown(*word.arguments)
        raise CallRefused(f"`{word.name}` takes something else; see `help`")

    def _shown(self, what: str, name: str = "global") -> Answer:
        connection = self.connection
        if what in ("dbs", "databases"):
            databases = connection.run({"listDatabases": 1}, "admin")["databases"]
            return self._table(
                ("database", "bytes on disk"), [(each["name"], f"{each['sizeOnDisk']:,}") for each in databases]
            )
        if what in ("collections", "tables"):
            return Text("\n".join(database_calls.DatabaseCalls(connection, connection.database).collection_names()))
        if what == "users":
            return Value(connection.run({"usersInfo": 1})["users"])
        if what == "profile":
            return connection.documents({"find": "system.profile", "sort": {"$natural": -1}, "limit": 5})
        if what in ("log", "logs"):
            return Text("\n".join(str(line) for line in connection.run({"getLog": name}, "admin")["log"]))
        raise CallRefused(f"`show {what}` is not known here; see `help`")

    def _table(self, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Answer:
        if not self._output.is_terminal:
            return Text("\n".join("\t".join(row) for row in rows))
        table = Table(*columns, box=None)
        for row in rows:
            table.add_row(*row)
        self._output.print(table)
        return Nothing()

    def _show(self, answer: Answer) -> None:
        if isinstance(answer, Text):
            if answer.text:
                self._output.print(answer.text, markup=False, highlight=False, soft_wrap=True)
        elif isinstance(answer, Value):
            self._print(answer.value)
        elif isinstance(answer, Documents):
            self._page(answer)

    def _page(self, documents: Documents) -> None:
        if self._rest is not None and self._rest is not documents:
            self._rest.close()
        self._rest = None
        for document in islice(documents, SHELL_PAGE_COUNT if self._is_paged else None):
            self._print(document)
        if self._is_paged and documents.has_more():
            self._rest = documents
            self._output.print('Type "it" for more', style="dim")

    def _print(self, value: Any) -> None:
        if self._form != SHELL:
            text = text_of(value, is_canonical=self._form == CANONICAL).decode()
            self._output.print(text, markup=False, highlight=False, soft_wrap=True)
        elif self._output.is_terminal:
            self._output.print(
                Syntax(rendered(value), "javascript", theme="ansi_dark", background_color="default", word_wrap=True)
            )
        else:
            self._output.print(rendered(value), markup=False, highlight=False, soft_wrap=True)

"""Running statements in DuckDB.

A store has one DuckDB in memory, made when it is first needed. Each statement has a connection of its own, over Arrow
tables that nobody else sees; so many run at a time, the others wait. DuckDB may not look at files, the network or
extensions, and keeps to its memory, past which it puts things aside in a directory of its own.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from amongo.aggregate.relational.sql import Sql
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import COLUMNAR_BATCH_COUNT, COLUMNAR_MEMORY_BYTES, COLUMNAR_QUERIES
from amongo.runtime.workers import Condition, Lock

_WAIT_S = 0.05
_SETTINGS = (
    "SET python_enable_replacements = false",
    "SET lock_configuration = true",
)


# A relation would save a copy of the rows, but has a statement read three times before it runs.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result makes an extra copy")


class StatementFailed(Exception):
    """DuckDB could not run a statement; the interpreter has to."""


class ColumnEngine:
    """The DuckDB of one store.

    failures   what DuckDB has said of statements that it could not run, the last ones
    """

    def __init__(
        self, directory: str | None = None, memory_bytes: int = COLUMNAR_MEMORY_BYTES, *, may_spill: bool = True
    ) -> None:
        """
        directory      where it puts things aside, its own and emptied now; None for one that it makes and removes
        memory_bytes   what it may take
        may_spill      False where it may not put anything aside
        """
        self.failures: deque[str] = deque(maxlen=64)
        self._own = tempfile.mkdtemp(prefix="amongo-") if may_spill and directory is None else None
        place = directory or self._own or ""
        if directory is not None:
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)
        config: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{memory_bytes // 1024}KiB",
            "temp_directory": place,
        }
        self._connection = duckdb.connect(":memory:", config=config)
        for setting in _SETTINGS:
            self._connection.execute(setting)
        self._changed = Condition(Lock())
        self._running = 0
        self._end = weakref.finalize(self, _end, self._connection, self._own)  # also at the end of the program

    def close(self) -> None:
        """Let go of everything."""
        self._end()

    def batches(
        self,
        statement: Sql,
        tables: Mapping[str, pa.Table],
        interrupt: Interrupt,
        batch_count: int = COLUMNAR_BATCH_COUNT,
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a statement, some at a time; close the iterator to end it.

        tables   name -> what it reads under that name
        errors   StatementFailed, before the first rows; those of the interrupt
        """
        with self._turn(interrupt):
            connection = self._connection.cursor()
            try:
                for name, table in tables.items():
                    connection.register(name, table)
                with self._explained(interrupt), interrupt.calling(connection.interrupt):
                    connection.execute(statement.text, [_bound(each) for each in statement.parameters])
                    reader = connection.to_arrow_reader(batch_count)
                    assert reader is not None  # there are rows, if only none
                    found = next(reader, None)
            except BaseException:
                connection.close()
                raise
        return self._rest(connection, reader, found, interrupt)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own."""
        connection = self._connection.cursor()
        try:
            yield connection
        finally:
            connection.close()

    def table(self, text: str, parameters: Any, tables: Mapping[str, pa.Table], interrupt: Interrupt) -> pa.Table:
        """All rows of a statement that a user has written.

        parameters   a sequence, or a mapping of names
        errors       StatementFailed, those of the interrupt
        """
        with self._turn(interrupt), self.connection() as connection:
            for name, table in tables.items():
                connection.register(name, table)
            with self._explained(interrupt), interrupt.calling(connection.interrupt):
                return connection.execute(text, parameters).to_arrow_table()

    def _rest(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: pa.RecordBatchReader,
        found: pa.RecordBatch | None,
        interrupt: Interrupt,
    ) -> Iterator[pa.RecordBatch]:
        try:
            while found is not None:
                yield found
                with self._explained(interrupt), interrupt.calling(connection.interrupt):
                    found = next(reader, None)
        finally:
            reader.close()
            connection.close()

    @contextmanager
    def _explained(self, interrupt: Interrupt) -> Iterator[None]:
        """DuckDB's errors as ours."""
        try:
            yield
        except duckdb.InterruptException:
            interrupt.check()
            raise StatementFailed("interrupted") from None
        except duckdb.OutOfMemoryException:  # what cannot be put aside: the interpreter can
            interrupt.check()
            raise StatementFailed("it takes more memory than there is for it") from None
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            interrupt.check()  # a reader tells of an interruption in an error of its own
            self.failures.append(str(error))
            raise StatementFailed(str(error)) from error

    @contextmanager
    def _turn(self, interrupt: Interrupt) -> Iterator[None]:
        with self._changed:
            while self._running >= COLUMNAR_QUERIES:
                interrupt.check()
                self._changed.wait(_WAIT_S)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()


def _end(connection: duckdb.DuckDBPyConnection, directory: str | None) -> None:
    connection.close()
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)


def _bound(value: Any) -> Any:
    """A parameter as DuckDB takes it: lists as lists."""
    return list(value) if type(value) is tuple else value

"""Tables as bytes and back: Arrow's own stream format, so that nothing of a table is lost between processes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def bytes_of(table: pa.Table) -> pa.Buffer:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def table_of(stream: Any) -> pa.Table:
    """The table of an Arrow stream, whose bytes it goes on to use."""
    with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
        return reader.read_all()

"""A command document that has been read and parsed, and waits to be run: on the event loop or on a worker."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from amongo.commands.command import Command
from amongo.commands.concerns import WriteConcern
from amongo.commands.context import Context, Sequences
from amongo.values.codec import CODEC, decode_foreign, decode_raw

_RAW_CODEC: Final[CodecOptions[RawBSONDocument]] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)


class ParsedCommand(NamedTuple):
    """What `Instance.parse_command` makes of a command document, and `Instance.answer_command` runs.

    command     of the registry
    database    where it is to run
    document    as it came
    request     what the command's parser has made of it
    context     its circumstances, with what the document says of session, transaction and retries
    write       its write concern
    """

    command: Command
    database: str
    document: dict[str, Any]
    request: Any
    context: Context
    write: WriteConcern


def add_arrays(command: Command, raw: bytes, document: dict[str, Any], sequences: Sequences) -> None:
    """Put the arrays of a command into its document: those whose documents stay bytes, and those that came beside it.

    errors   what only the bytes show; InvalidBSON
    """
    if command.check_bytes is not None:
        command.check_bytes(raw, document)
    for field in command.raw_fields:
        if type(document.get(field)) is list:
            document[field] = bson.decode(raw, _RAW_CODEC)[field]
    for field, raws in sequences.items():
        keeps_raw = field in command.raw_fields
        document[field] = [RawBSONDocument(raw, _RAW_CODEC) if keeps_raw else decode_foreign(raw) for raw in raws]


def check_readable(command: Command, sequences: Sequences) -> None:
    """Refuse documents of a client that nobody could read, where they stay bytes. errors: InvalidBSON."""
    for field, raws in sequences.items():
        if field in command.raw_fields:
            for raw in raws:
                decode_raw(raw, CODEC)

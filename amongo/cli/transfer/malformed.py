"""What is wrong with a file."""

from __future__ import annotations


class MalformedInput(Exception):
    """A file cannot be read any further; the message names line, row, document or byte."""


class Unwritable(Exception):
    """A document cannot be written in the format that was asked for."""

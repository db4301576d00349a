"""The forms of PCRE2's language that are longer than a character, as regular expressions over the pattern."""

from __future__ import annotations

import re
from typing import Final

QUANTIFIER: Final = re.compile(r"(?:([*+?])|\{(\d+)(,)?(\d*)\})([+?]?)")
INLINE_FLAGS: Final = re.compile(r"\(\?(?:\^([imsxnJU]*)|([imsxnJU]*)(?:-([imsxnJU]*))?)([:)])")
_NAME: Final = r"(?:[^\W\d]\w*)"
NAMED_GROUP: Final = re.compile(rf"\(\?(?:P?<({_NAME})>|'({_NAME})')")
CALL: Final = re.compile(
    rf"\(\?(?:(R)|([-+]?)(\d+)|(?:&|P>)({_NAME}))\)|\\g(?:<([-+]?)(\d+|{_NAME})>|'([-+]?)(\d+|{_NAME})')"
)
BACK_REFERENCE: Final = re.compile(
    rf"\\(?:g(?:([-+]?)(\d+)|\{{([-+]?)(\d+|{_NAME})\}})|k(?:<({_NAME})>|'({_NAME})'|\{{({_NAME})\}}))|\(\?P=({_NAME})\)"
)
NUMBERED: Final = re.compile(r"\\([1-9]\d*)")
CONDITION: Final = re.compile(
    rf"\(\?\((?:(?P<sign>[-+]?)(?P<number>\d+)|<(?P<angle>{_NAME})>|'(?P<quoted>{_NAME})'|(?P<bare>{_NAME}))\)"
)
CALLOUT: Final = re.compile(r"\(\?C(?:(\d*)|([`'\"^%#$])(?:(?!\2).)*\2|\{[^}]*\})\)", re.DOTALL)
VERB: Final = re.compile(r"\(\*([A-Z]*)(:[^)]*)?\)")
START: Final = re.compile(r"(?:\(\*(?:UTF8?|UCP|LF|BSR_UNICODE|NO_[A-Z_]+|LIMIT_(?:MATCH|DEPTH|HEAP)=\d+)\))+")

r"""Escapes that name a character or a property: `\x{e9}`, `\cA`, `\101`, `\p{Lu}`."""

from __future__ import annotations

import functools
import re
from typing import Final

import regex

import amongo.mql.patterns.alphabet as alphabet

_HIGHEST: Final = 0x10FFFF
_BRACED: Final = re.compile(r"\\(?:(x)\{([^}]*)(\})?|(o)\{([^}]*)(\})?|N\{U\+([^}]*)(\})?)")
_HEXADECIMAL: Final = re.compile(r"\\x([0-9A-Fa-f]{0,2})")
_OCTAL: Final = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{0,2})")
_PROPERTY: Final = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|([A-Za-z]))")
_SIGNS: Final = re.compile(r"[\s_-]")
_CATEGORY_NAMES: Final = (
    "c cc cf cn co cs l ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s sc sk sm so z zl zp zs"
)
_CATEGORIES: Final = frozenset(_CATEGORY_NAMES.split())
_BOOLEAN_NAMES: Final = """
    ascii asciihexdigit ahex alphabetic alpha bidicontrol bidic bidimirrored bidim caseignorable ci cased
    changeswhencasefolded cwcf changeswhencasemapped cwcm changeswhenlowercased cwl changeswhentitlecased cwt
    changeswhenuppercased cwu dash defaultignorablecodepoint di deprecated dep diacritic dia emoji emojicomponent ecomp
    emojimodifier emod emojimodifierbase ebase emojipresentation epres extendedpictographic extpict extender ext
    graphemebase grbase graphemeextend grext graphemelink grlink hexdigit hex idsbinaryoperator idsb
    idstrinaryoperator idst idcontinue idc idstart ids ideographic ideo joincontrol joinc logicalorderexception loe
    lowercase lower math noncharactercodepoint nchar patternsyntax patsyn patternwhitespace patws
    prependedconcatenationmark pcm quotationmark qmark radical regionalindicator ri sentenceterminal sterm softdotted
    sd terminalpunctuation term unifiedideograph uideo uppercase upper variationselector vs whitespace space
    xidcontinue xidc xidstart xids
"""
_BOOLEAN: Final = frozenset(_BOOLEAN_NAMES.split())


def code_point_at(pattern: str, at: int, *, in_class: bool = False) -> tuple[int, int]:
    """The character that the escape at `at` names, and where the pattern goes on.

    errors   regex.error
    """
    if at + 1 >= len(pattern):
        raise regex.error("\\ at end of pattern")
    letter = pattern[at + 1]
    if letter in alphabet.CONTROLS:
        return alphabet.CONTROLS[letter], at + 2
    if letter in "xoN" and (braced := _BRACED.match(pattern, at)):
        return _braced(braced), braced.end()
    if letter == "x":
        found = _HEXADECIMAL.match(pattern, at)
        assert found is not None
        return int(found[1] or "0", 16), found.end()
    if octal := _OCTAL.match(pattern, at):
        return int(octal[1], 8), octal.end()
    if letter == "c":
        control = pattern[at + 2 : at + 3]
        if not " " <= control <= "~":
            raise regex.error("\\c must be followed by a printable ASCII character")
        return ord(control.upper()) ^ 64, at + 3
    if letter.isascii() and letter.isalnum() and not (in_class and letter in "89g"):
        raise regex.error("unrecognized character follows \\")
    return ord(letter), at + 2


def _braced(found: re.Match[str]) -> int:
    digits, closing = (found[5], found[6]) if found[4] else (found[2] or found[7] or "", found[3] or found[8])
    base, letters = (8, "[0-7]") if found[4] else (16, "[0-9A-Fa-f]")
    if not digits and closing:
        raise regex.error("digits missing in \\x{} or \\o{} or \\N{U+}")
    if not closing or not re.fullmatch(f"{letters}+", digits):
        raise regex.error("a character that is no digit in \\x{} or \\o{} (closing brace missing?)")
    code_point = int(digits, base)
    if code_point > _HIGHEST:
        raise regex.error("character code point value in \\x{} or \\o{} is too large")
    if 0xD800 <= code_point <= 0xDFFF:
        raise regex.error("disallowed Unicode code point (>= 0xd800 && <= 0xdfff)")
    return code_point


def property_at(pattern: str, at: int) -> tuple[str, int]:
    r"""The inside of a class for the \p or \P at `at`, or a whole negated class; and where the pattern goes on.

    errors   regex.error
    """
    found = _PROPERTY.match(pattern, at)
    if found is None:
        raise regex.error("malformed \\P or \\p sequence")
    name = _SIGNS.sub("", found[3] if found[4] is None else found[4]).lower()
    inside = _property(name)
    if (found[1] == "P") != bool(found[2]):
        inside = f"[^{inside}]"
    return inside, found.end()


@functools.cache
def _property(name: str) -> str:
    if name in alphabet.PROPERTIES:
        return alphabet.PROPERTIES[name]
    if name in _CATEGORIES or name in _BOOLEAN:
        return f"\\p{{{name}}}"
    kind, separator, value = name.replace("=", ":").partition(":")
    full = {"sc": "script", "scx": "scx", "scriptextensions": "scx", "bc": "bidiclass"}.get(kind, kind)
    if not separator:
        full, value = "scx", name
    if full in ("script", "scx", "bidiclass") and value:
        text = f"\\p{{{full}={value}}}"
        try:
            regex.compile(text)
        except regex.error:
            pass
        else:
            return text
    raise regex.error("unknown property after \\P or \\p")

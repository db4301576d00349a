"""PCRE2 itself, where the machine has it: what a pattern finds, or that it is invalid."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library

_SIZE, _POINTER, _U32 = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_uint32
_FLAGS = {"i": 0x8, "m": 0x400, "s": 0x20, "x": 0x80}
_UTF = 0x80000
_NO_MATCH = -1

Span = tuple[int, int]


def _library() -> ctypes.CDLL | None:
    name = find_library("pcre2-8")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.pcre2_compile_8.restype = _POINTER
    library.pcre2_compile_8.argtypes = [ctypes.c_char_p, _SIZE, _U32, _POINTER, _POINTER, _POINTER]
    library.pcre2_match_data_create_from_pattern_8.restype = _POINTER
    library.pcre2_match_data_create_from_pattern_8.argtypes = [_POINTER, _POINTER]
    library.pcre2_match_8.argtypes = [_POINTER, ctypes.c_char_p, _SIZE, _SIZE, _U32, _POINTER, _POINTER]
    library.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(_SIZE)
    library.pcre2_get_ovector_pointer_8.argtypes = [_POINTER]
    library.pcre2_code_free_8.argtypes = library.pcre2_match_data_free_8.argtypes = [_POINTER]
    return library


LIBRARY = _library()


def search(pattern: str, flags: str, texts: list[str]) -> list[Span | int | None] | None:
    """Where the pattern is found in each text; a negative number for an error; None for an invalid pattern."""
    assert LIBRARY is not None
    options = _UTF
    for flag in flags:
        options |= _FLAGS[flag]
    encoded = pattern.encode()
    error, offset = ctypes.c_int(), _SIZE()
    code = LIBRARY.pcre2_compile_8(encoded, len(encoded), options, ctypes.byref(error), ctypes.byref(offset), None)
    if not code:
        return None
    places = LIBRARY.pcre2_match_data_create_from_pattern_8(code, None)
    try:
        return [_search_one(code, text.encode(), places) for text in texts]
    finally:
        LIBRARY.pcre2_match_data_free_8(places)
        LIBRARY.pcre2_code_free_8(code)


def _search_one(code: int, text: bytes, places: int) -> Span | int | None:
    assert LIBRARY is not None
    found = LIBRARY.pcre2_match_8(code, text, len(text), 0, 0, places, None)
    if found <= 0:
        return None if found == _NO_MATCH else int(found)
    vector = LIBRARY.pcre2_get_ovector_pointer_8(places)
    return len(text[: vector[0]].decode()), len(text[: vector[1]].decode())

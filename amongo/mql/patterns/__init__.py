r"""Regular expressions: PCRE2's language, run by the `regex` module.

MongoDB's expressions are PCRE2's, in UTF mode, with classes that know ASCII alone (`\d`, `\w`, `\s`, `\b`). A pattern
is translated part by part into the language of the `regex` module, so that a part with another meaning there (`\Z`,
`\h`, `{` as a letter, `(?i)` in the middle) keeps PCRE2's. A search is cut off after a time, as the server cuts off
after a number of steps.

What the module cannot do is refused like an invalid pattern: `\C`, the verbs ACCEPT, COMMIT and THEN, other newlines
than LF, conditions on recursion, groups of the same name, a back reference inside the group that it means.
"""

from amongo.mql.patterns.search import FLAG_BITS, Find, compile_pattern, compile_regex, may_run_away

__all__ = ["FLAG_BITS", "Find", "compile_pattern", "compile_regex", "may_run_away"]

"""`amongo shell`: a small shell, in the words of mongosh.

`language` parses a line (nothing is ever evaluated as Python or JavaScript), `calls` makes commands of it, `session`
runs them and remembers where one is, `rendering` writes values as the language reads them.
"""

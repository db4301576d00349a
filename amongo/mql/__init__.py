"""MongoDB's languages, pure and synchronous: filters, updates, projections, sort patterns, expressions, accumulators.

Canonical values go in and come out; nothing here reads a file, waits, or changes its input.
"""

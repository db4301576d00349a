"""What `docs/performance.md` reports, in one command: `python -m benchmarks`.

The story of a run: `sections` names what is measured; each section opens a fresh store (`stores`), fills it with
documents (`documents`), checks that the store answers rightly, and only then times it (`rounds`), always beside the
limit it is judged by and in the same run, so that a noisy machine is noisy for both. What comes out is a list of rows
(`rows`): a value, its budget, held or not. `report` prints them as a table, as JSON or as the page in docs.
"""

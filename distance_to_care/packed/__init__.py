"""The engine out of core: people read from a Parquet file in batches and kept as small codes.

A person is a moment (the last event time at which they are at risk, and whether they have the
event then) and a few patterns (their covariates together, as one number): six to twelve bytes where
a row of a table has hundreds. Everything is exact: the answers are those of `statistics.engine`.

- `people`: columns of a file or a table as codes, with the values that the codes stand for.
- `counts`: people by group and time, of which curves and tests of groups are made.
- `moments`: who is at risk at which event time.
- `patterns`: covariates as patterns, and the passes over all people.
- `cox`: Cox's model.
- `kernels`: the loops of the passes, compiled where numba is there.
"""

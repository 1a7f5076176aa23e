"""Deliberate bugs: each takes out a rule where money or safety is decided, and names the test that must then fail.

The bugs stand in TOML files beside this one, by area. `python -m tests.mutations` tries all of them, each in a copy of
the checkout; names or parts of names choose some, `--sample N` draws some by the commit's hash.
"""

"""Invariants: the promises of the design as queries over the database, each naming the rows that break it.

Others use `run.audit`. Nothing here writes, or asks Stripe: reconciliation does that. Each file has the invariants of
one part of the ledger; `catalogue` lists them all, with the promise that each holds.
"""

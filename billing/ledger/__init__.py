"""The ledger: one usage record for every request, open before Claude is called, closed with what it cost.

Others use `group_commit` (begin and end a request, in shared commits), `entries` (what is begun and ended, and the
reasons for a refusal), `idempotency`, `known_terms` and `abandonment`. The rest is the ledger's own: `records` makes
and closes the rows, `locked` writes a batch under locks, `compare_and_add` writes one in a single statement, and
`budgets` are the sums that caps are held against.
"""

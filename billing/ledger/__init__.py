"""The ledger: one usage record for every request, open before Claude is called, closed with what it cost.

Others use `group_commit` (begin and end a request, in shared commits), `entries` (the begins and endings, and the
reasons for a refusal), `entitlement` (whether a request could begin), `idempotency`, `known_terms`, `leases` (which
processes live) and `abandonment` (records whose process died). The rest is the ledger's own:

- `writing_thread` gathers the entries of many requests; `writers` writes a batch by one of two ways: `compare_and_add`
  in a single statement, or `locked` under locks, which decides all that needs a decision.
- `clamping` limits max_tokens to what the caps leave, `trial` bounds the free trial, `budgets` are the sums that caps
  are held against.
- `records` makes and closes the rows; `late_settlement` and `unbilled` correct what a pause or an outage left.
"""

"""From the ledger to Stripe: settled records become totals and meter events, and meter events are sent once.

Others use `posting`, `outbox`, `flush` (send all of one organization's usage now), `late_usage` (by invoice item, where
no meter bills it) and `ledger_sums` (the ledger added up, for reconciliation).
`discrepancies` records the differences that an operator must look at.
"""

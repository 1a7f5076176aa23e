"""Reconciliation: ledger, totals, meter events, Stripe's meters and invoices, compared to the token and the cent.

Others use `run.reconcile`. Each stage compares two neighbours: `totals`, `prices`, `outbox`, `stripe_meters`,
`invoice_lines`. Every difference has a kind, an explanation and, where that is safe, a repair that may be run again.
"""

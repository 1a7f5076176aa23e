"""Bills: the one that is running, and Stripe's invoices.

Others use `current` (the bill of the period that runs), `lines` (one line, exact and as Stripe rounds it) and
`invoices` (Stripe's own, as synced).
"""

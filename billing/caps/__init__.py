"""Spending caps of organizations and keys: setting them, what is left of them, and who is told.

Others use `caps` (set a cap, read its balance), `use` (the share that is used, in percent), `meter` (a cap on a page),
`thresholds` (the shares at which to alert), and `alerts`. `billing.mail` mails them. The cap itself is held in
`billing.ledger.clamping`.
"""

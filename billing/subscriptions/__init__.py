"""A customer's subscription: how it begins, changes and ends, and what Stripe last said of it.

Others use `checkout` and `subscribing` (the two ways in), `plan_changes` (switch, cancel, resume), `state` (apply what
Stripe says to the billing account), `catching_up` (ask Stripe where a webhook is late), `standing` (what pages show of
the plan), `customer` (the organization's customer at Stripe) and `sample_customers`. `refreshing` fetches and applies.
`changing` draws the line between usage before a change and after it, `live` tells which of several subscriptions is
ours. `moves` is the journal of subscribers whom an admin takes to other prices, with `move_preview`. The worker runs
`catching_up` (with `missed_events`), `collecting`, `ended_bills` and `making_moves` each minute, and `full_sync` each
night. docs/billing.md has every situation.
"""

"""A customer's subscription: how it begins, changes and ends, and what Stripe last said of it.

Others use `checkout` and `subscribing` (the two ways in), `plan_changes` (switch, cancel, resume), `state` (apply what
Stripe says to the billing account), `catching_up` (ask Stripe where a webhook is late), `standing` (what pages show of
the plan), `customer` (the organization's customer at Stripe) and `sample_customers`. `refreshing` fetches and applies.
"""

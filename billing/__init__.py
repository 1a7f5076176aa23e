"""Money: plans and their prices, the ledger of what was used, and the way to Stripe and back.

A request begins and ends in `ledger`; `metering` adds its usage up and sends it to Stripe; `bills` shows what Stripe
will charge. `plans` holds prices, `subscriptions` what an organization has subscribed to, `caps` and `limits` bound
what it spends and how fast it calls, `keys` the terms of API keys. `stripe_billing` alone talks to Stripe, and
`webhooks` takes what Stripe tells.
"""

"""The gateway to Stripe: the only package that imports Stripe's SDK and calls it.

Every call has a timeout and ends in one of three ways: an answer; StripeUnavailable, after which the same call with
the same identifier may be tried again; StripeRejected, after which trying again is of no use. dj-stripe's own calls
are made here too, so that their errors are translated in the same way.

Others use the errors of `client`, and the calls: `meters`, `catalogue` (products and prices), `customers`, `checkout`,
`subscriptions` and `sync` (dj-stripe's copies of Stripe's objects). `events` verifies what Stripe sends, and
`stored_events` forgets it in time.
"""

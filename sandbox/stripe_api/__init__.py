"""Stripe's API over HTTP, as far as selling by the meter needs it, in the version that the installed SDK speaks.

A folder stands above those it uses: `hosted`, `billing`, `balances` and `metering`, then `payments`, `catalogue` and
`events`, and `protocol` below them all. The rest of the sandbox uses `all_endpoints.StripeApi`, the request log, the
events' courier, and the operations that the hosted pages carry out.
"""

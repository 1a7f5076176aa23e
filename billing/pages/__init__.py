"""The portal's pages of billing: overview, bill and invoices, checkout, keys, and the price table.

`billing.urls` routes to them. `frame` holds what every page shows; forms stand beside their pages.
"""

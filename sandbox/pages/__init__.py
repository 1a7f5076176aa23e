"""Pages for browsers: Checkout, the customer portal, hosted invoices, the bank's question, and the dashboard.

`sandbox.app` uses each page's `routes` and `web.OwnFormsOnly`; the rest is the pages' own.
"""

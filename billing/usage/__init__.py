"""Usage for pages, files and the API: read from totals, and for single requests from the ledger.

Others use `totals` (a period, the newest requests), `report` (any range, grouped) and `request_log` (a page of
requests).
"""

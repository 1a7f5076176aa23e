"""The management API of billing: plans, subscription, bills, usage, invoices and caps, under /api/v1/."""

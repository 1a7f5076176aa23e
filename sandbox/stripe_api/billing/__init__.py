"""Customers, subscriptions and invoices, and what time does to them: renewals, prorations, collection, retries.

Others use `subscriptions`, `subscription_items`, `subscription_status`, `customers`, `collection`, `authentication`,
`trials.ends_at`, `periods.boundary` and `invoices.payment_of`.
"""

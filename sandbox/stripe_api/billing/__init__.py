"""Customers, subscriptions and invoices, and how time changes them: renewals, prorations, collection, retries.

Others use `subscription_start.start`, `subscriptions`, `subscription_items`, `subscription_status.OVER`, `customers`,
`collection.attempt`, `authentication`, `trials.ends_at`, `periods.boundary` and `invoices.intent_of`.
"""

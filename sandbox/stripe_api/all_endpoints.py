"""The complete table of endpoints: importing this module imports every module that registers endpoints or due
actions.
"""

# ruff: noqa: F401 - each module below is imported for what it registers.

from __future__ import annotations

from sandbox.stripe_api import account, empty_lists, test_clocks
from sandbox.stripe_api.balances import credit_grants, customer_balance, taxes
from sandbox.stripe_api.billing import (
    credit_notes,
    customers,
    invoice_actions,
    invoice_drafts,
    invoice_items,
    invoices,
    payment_intents,
    previews,
    renewals,
    subscription_items,
    subscription_updates,
    subscriptions,
    tax_ids,
)
from sandbox.stripe_api.catalogue import coupons, prices, products, promotion_codes
from sandbox.stripe_api.events import event_destinations, events, thin_events, webhook_endpoints
from sandbox.stripe_api.hosted import checkout, portal_configurations, portal_sessions
from sandbox.stripe_api.metering import meter_events, meters, v2_meter_events
from sandbox.stripe_api.payments import charges, disputes, payment_methods, refunds, setup_intents
from sandbox.stripe_api.server import StripeApi

__all__ = ["StripeApi"]

"""Rows of Stripe's objects, as dj-stripe would have stored them."""

import time
from typing import Any

from djstripe import models as djstripe

from accounts.models import Organization
from billing.models import BillingAccount


def make_stripe_customer(organization: Organization) -> djstripe.Customer:
    """Make the Stripe customer of an organization."""
    customer = _stored(djstripe.Customer, id=f"cus_{organization.id}", stripe_data={"object": "customer"})
    BillingAccount.objects.filter(organization=organization).update(stripe_customer_id=customer.id)
    return customer


def make_invoice(customer: djstripe.Customer) -> djstripe.Invoice:
    """Make an invoice without lines."""
    now = int(time.time())
    data = {
        "id": f"in_{customer.id}",
        "object": "invoice",
        "customer": customer.id,
        "number": "1",
        "status": "paid",
        "currency": "usd",
        "total": 1000,
        "amount_remaining": 0,
        "period_start": now,
        "period_end": now,
        "lines": {"data": [], "has_more": False},
    }
    return _stored(djstripe.Invoice, id=data["id"], stripe_data=data, customer=customer)


def make_other_rows(customer: djstripe.Customer) -> list[Any]:
    """Make a row of each other table that the admin shows."""
    event = _stored(djstripe.Event, id="evt_1", stripe_data={}, data={"object": {}}, type="product.updated")
    return [
        _stored(djstripe.Subscription, id="sub_1", stripe_data={"customer": customer.id}, customer=customer),
        event,
        djstripe.WebhookEventTrigger.objects.create(event=event, remote_ip="127.0.0.1", headers={}),
    ]


def _stored(model: Any, **fields: Any) -> Any:
    return model.objects.create(livemode=False, **fields)

"""Rows about Stripe: its objects as dj-stripe would have stored them, and those that wait for it or for mail."""

import time
from typing import Any

from django.utils import timezone
from djstripe import models as djstripe

from accounts.models import Organization, User
from billing.customer_webhooks.endpoints import add_endpoint
from billing.customer_webhooks.log import send_test
from billing.models import (
    BillingAccount,
    CreditGrant,
    CreditNote,
    Dispute,
    EventDelivery,
    InvoiceHold,
    LateUsage,
    Notice,
    NoticeMail,
    Plan,
    PlanMove,
    PlanVersion,
    Promotion,
)
from billing.tokens import TokenClass


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


def make_invoice_hold(organization: Organization) -> InvoiceHold:
    """Make the hold of a draft that has been released since."""
    now = timezone.now()
    return InvoiceHold.objects.create(
        organization=organization,
        stripe_invoice_id="in_held",
        period_starts_at=now,
        period_ends_at=now,
        placed_at=now,
        released_at=now,
    )


def make_late_usage(organization: Organization) -> LateUsage:
    """Make late usage that waits for an invoice."""
    instants = ("priced_at", "first_at", "last_at", "period_starts_at", "bill_starts_at", "next_attempt_at")
    return LateUsage.objects.create(
        organization=organization,
        plan=Plan.objects.get(code="pro_haiku"),
        model="claude-haiku-5-5",
        token_class=TokenClass.INPUT,
        unit_minor=1,
        quantity=1,
        reason=LateUsage.Reason.MISSED,
        identifier="late-usage",
        **dict.fromkeys(instants, timezone.now()),
    )


def make_plan_move(organization: Organization) -> PlanMove:
    """Make a move that has lapsed, from a version to itself."""
    now = timezone.now()
    version = PlanVersion.objects.create(plan=Plan.objects.get(code="pro_haiku"), priced_at=now, base_price=10)
    return PlanMove.objects.create(
        organization=organization,
        from_version=version,
        to_version=version,
        when=PlanMove.When.NOW,
        due_at=now,
        state=PlanMove.State.LAPSED,
    )


def make_notice_mail(owner: User, organization: Organization) -> NoticeMail:
    """Make a mail that waits to be sent."""
    notice = Notice.objects.create(organization=organization, kind=Notice.Kind.TRIAL, occasion="40 of 50")
    return NoticeMail.objects.create(notice=notice, user=owner)


def make_delivery(organization: Organization) -> EventDelivery:
    """Make an endpoint of a customer's system, and a test that waits to be sent to it."""
    endpoint, _ = add_endpoint(organization=organization, url="http://127.0.0.1:9/hook")
    return send_test(endpoint=endpoint, now=timezone.now(), wall_now=timezone.now())


def make_credits(organization: Organization) -> None:
    """Make a grant that is over, a code and a note that Stripe refused, and a dispute that is forgiven."""
    CreditNote.objects.create(organization=organization, amount_minor=1, identifier="note", state="rejected")
    CreditGrant.objects.create(organization=organization, amount_minor=1, identifier="grant", state="ended")
    now = timezone.now()
    Dispute.objects.create(
        organization=organization, stripe_id="du_1", amount_minor=1, status="won", opened_at=now, forgiven_at=now
    )
    Promotion.objects.create(code="SPRING", percent_off=1, identifier="promotion", state="rejected")


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

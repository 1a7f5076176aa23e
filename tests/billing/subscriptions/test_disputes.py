"""Disputed payments: kept, shown to an admin, and acted on by the operator's rule."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger.entries import SubscriptionSuspended
from billing.models import BillingAccount, Discrepancy, Dispute
from billing.reconciliation.run import reconcile
from billing.stripe_billing import client as gateway
from billing.subscriptions import missed_events
from billing.subscriptions.disputes import keep_dispute
from common import clock
from tests.billing.bills.test_invoice_holds import deliver
from tests.factories import Customer, begin_or_refusal
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

Status = BillingAccount.Status


def dispute_of(customer: Customer, *, card: str = "pm_card_createDispute") -> dict[str, Any]:
    """Let a customer pay $3.00 by a card that its owner disputes; return the dispute."""
    api = gateway.client().v1
    customer_id = customer.account.stripe_customer_id
    method = api.payment_methods.attach(card, {"customer": customer_id}).id
    paying: Any = {"amount": 300, "currency": "usd", "customer": customer_id, "payment_method": method, "confirm": True}
    intent = api.payment_intents.create(paying)
    return dict(api.disputes.list({"payment_intent": intent.id}).data[0].to_dict())


def decide(dispute: dict[str, Any], evidence: str) -> dict[str, Any]:
    """Give evidence, on which the bank decides; return the dispute as it is then."""
    changed = gateway.client().v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": evidence}})
    return dict(gateway.client().v1.disputes.retrieve(changed.id).to_dict())


def may_call(customer: Customer) -> bool:
    outcome = begin_or_refusal(customer, now=clock.now())
    return not isinstance(outcome, SubscriptionSuspended)


def test_access_goes_when_it_begins_and_comes_back_when_it_is_won(
    client: Client, settings: Any, customer: Customer
) -> None:
    settings.DISPUTES_SUSPEND = "open"
    dispute = dispute_of(customer)

    assert deliver(client, "charge.dispute.created", dispute) == 200
    assert (customer.account.status, may_call(customer)) == (Status.DISPUTED, False)
    shown = Discrepancy.objects.get(kind=Discrepancy.Kind.PAYMENT_DISPUTED)
    assert (shown.subject, shown.resolved_at, "$3.00: fraudulent" in shown.detail) == (dispute["id"], None, True)

    assert deliver(client, "charge.dispute.closed", decide(dispute, "winning_evidence")) == 200
    assert (customer.account.status, may_call(customer)) == (Status.ACTIVE, True)
    shown.refresh_from_db()
    assert shown.resolved_at is not None
    assert reconcile(now=clock.now()).differences == []


@pytest.mark.parametrize(
    ("rule", "open_status", "lost_status"),
    [("never", Status.ACTIVE, Status.ACTIVE), ("lost", Status.ACTIVE, Status.DISPUTED)],
)
def test_the_rule_decides(settings: Any, customer: Customer, rule: str, open_status: str, lost_status: str) -> None:
    settings.DISPUTES_SUSPEND = rule
    dispute = dispute_of(customer)

    keep_dispute(dispute)
    while_open = customer.account.status
    keep_dispute(decide(dispute, "losing_evidence"))

    assert (while_open, customer.account.status) == (open_status, lost_status)


def test_an_inquiry_takes_no_access(settings: Any, customer: Customer) -> None:
    settings.DISPUTES_SUSPEND = "open"

    keep_dispute(dispute_of(customer, card="pm_card_createDisputeInquiry"))

    assert customer.account.status == Status.ACTIVE


def test_staff_gives_access_back_after_one_was_lost(client: Client, customer: Customer) -> None:
    keep_dispute(decide(dispute_of(customer), "losing_evidence"))
    assert not may_call(customer)
    client.force_login(User.objects.create_superuser("root@example.com"))

    for _ in range(2):
        chosen = {"action": "give_access_back", "_selected_action": [Dispute.objects.get().pk]}
        client.post("/admin/billing/dispute/", chosen)

    assert may_call(customer)
    assert LogEntry.objects.count() == 1


def test_one_of_which_no_webhook_told_is_found(settings: Any, sandbox: SandboxServer, customer: Customer) -> None:
    settings.DISPUTES_SUSPEND = "open"
    dispute_of(customer)
    sandbox.advance("1 hour")

    missed_events.fetch_missed(now=clock.now())

    assert customer.account.status == Status.DISPUTED
    assert timezone.now() >= Dispute.objects.get().told_at

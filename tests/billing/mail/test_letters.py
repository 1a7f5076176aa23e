"""The letter of each kind: its facts in both forms, why it came, and how to end it."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing.mail import invoices, late_usage, plans, prices, spending, webhooks
from billing.mail.kinds import BY_KIND, MANAGERS
from billing.mail.letters import COMPOSERS
from billing.mail.notices import Kind, tell
from billing.mail.prices import PriceMove
from billing.mail.sending import address_notices, send_due
from billing.models import BillingAccount, CustomerEndpoint, LateUsage, Plan, SpendingAlert
from tests.common.test_letters import seen
from tests.factories import NOON

pytestmark = pytest.mark.django_db
DEC_3 = datetime(2026, 12, 3, 14, 5, tzinfo=UTC)
INVOICE = {
    "id": "in_1",
    "number": "RG-0007",
    "customer": "cus_1",
    "status": "open",
    "billing_reason": "subscription_cycle",
    "total": 1002,
    "amount_remaining": 1002,
    "attempt_count": 1,
    "period_start": int(NOON.timestamp()),
    "period_end": int((NOON + timedelta(days=30)).timestamp()),
    "next_payment_attempt": int(DEC_3.timestamp()),
    "status_transitions": {"finalized_at": int(NOON.timestamp())},
    "hosted_invoice_url": "https://invoice.stripe.com/i/1",
}


@pytest.fixture
def account(organization: Any) -> BillingAccount:
    """The organization's account, known to Stripe."""
    BillingAccount.objects.filter(organization=organization).update(
        stripe_customer_id="cus_1", stripe_subscription_id="sub_1", plan=Plan.objects.get(code="pro_sonnet")
    )
    return BillingAccount.objects.get(organization=organization)


def mails_of(outbox: list[Any]) -> dict[str, Any]:
    """Send what is due to the owner; return the mails by subject."""
    address_notices(now=timezone.now())
    send_due(stop_after_s=10)
    return {mail.subject: mail for mail in outbox if mail.to == ["owner@example.com"]}


def make_late_usage(account: BillingAccount) -> LateUsage:
    instants = ("priced_at", "last_at", "period_starts_at", "bill_starts_at", "next_attempt_at")
    return LateUsage(
        organization_id=account.organization_id,
        plan=Plan.objects.get(code="pro_haiku"),
        model="claude-haiku-5-5",
        token_class="input",
        unit_minor=Decimal("0.00013"),
        quantity=12_345,
        reason=LateUsage.Reason.MISSED,
        identifier="late-1",
        first_at=NOON,
        **dict.fromkeys(instants, DEC_3),
    )


def tell_of_everything(account: BillingAccount) -> None:
    """Write a notice of each kind."""
    organization_id = account.organization_id
    spending.tell_of_caps(
        [
            SpendingAlert(
                organization_id=organization_id,
                percent=80,
                cap_minor=Decimal(5000),
                spent_minor=Decimal("4012.5"),
                spending_starts_at=NOON,
            )
        ]
    )
    tell(organization_id=organization_id, kind=Kind.TRIAL, occasion="40", facts={"used": 40, "requests": 50})
    invoices.tell_of_invoice(INVOICE, now=NOON)
    invoices.tell_of_invoice({**INVOICE, "status": "paid", "amount_remaining": 0}, now=NOON)
    card = {"card": "Visa ending in 4242", "month": "01/2027"}
    tell(organization_id=organization_id, kind=Kind.CARD_EXPIRES, occasion="pm_1", facts=card)
    plans.tell_of_plan(account, before=Plan.objects.get(code="pro_haiku"), cancel_at_before=None)
    move = PriceMove(name="Input, claude-haiku-5-5", before="$0.0013 per 1k", after="$0.0012 per 1k")
    prices.tell_of_price_change(
        organization_ids=[organization_id], change="c1", plan_name="Pro Haiku", moves=[move], takes_effect_at=DEC_3
    )
    prices.tell_of_model_retirement(
        organization_ids=[organization_id],
        model="claude-haiku-5-5",
        retires_at=DEC_3,
        successor="claude-haiku-6",
    )
    late_usage.tell_of_late_usage([make_late_usage(account)])
    url = "https://hooks.example.com/a/long/address/of/a/receiver"
    endpoint = CustomerEndpoint(id=7, organization_id=organization_id, url=url, failing_since=NOON)
    webhooks.tell_of_endpoint_off(endpoint, gone=False, now=DEC_3)


FACTS = {
    "Acme: 80 % of a spending cap on rgent is used": ["$40.125", "$50.00", "/app/billing/"],
    "The free trial of Acme is nearly used up": ["40 of 50", "/pricing/"],
    "Invoice RG-0007 of $10.02 for Acme": ["RG-0007", "$10.02", "10 Nov 2026 to 10 Dec 2026", "/app/billing/invoices/"],
    "A payment of Acme failed: $10.02": ["RG-0007", "3 Dec 2026", "https://invoice.stripe.com/i/1"],
    "Invoice RG-0007 of Acme is paid": ["RG-0007", "$10.02"],
    "The card that pays for Acme expires in 01/2027": ["Visa ending in 4242"],
    "Acme has switched to Pro Sonnet": ["Pro Haiku", "Pro Sonnet", "UTC"],
    "Prices of Pro Haiku change on 3 Dec 2026": ["$0.0013 per 1k", "$0.0012 per 1k", "Input, claude-haiku-5-5"],
    "claude-haiku-5-5 retires on 3 Dec 2026": ["claude-haiku-6", "/app/usage/"],
    "A webhook of Acme is switched off": [
        "https://hooks.example.com/a/long/",
        "10 Nov 2026",
        "/app/settings/webhooks/7/",
    ],
    "Acme: usage that comes on a later invoice": ["12,345 tokens", "$0.0160485", "10 Nov 2026, 12:00 UTC"],
}


def test_each_kind_tells_its_facts_plain_and_in_html(account, outbox):
    tell_of_everything(account)

    mails = mails_of(outbox)

    assert mails.keys() == FACTS.keys()
    for subject, facts in FACTS.items():
        text, markup = " ".join(mails[subject].body.split()), seen(mails[subject].alternatives[0].content)
        assert [fact for fact in facts if fact not in text] == [], subject
        assert [fact for fact in facts if fact not in markup] == [], subject


def test_each_kind_has_a_letter_and_a_line_on_the_page_of_choices():
    assert set(COMPOSERS) == set(BY_KIND) == set(Kind)


def test_each_kind_goes_to_its_people(account, outbox):
    tell_of_everything(account)
    mails_of(outbox)

    to_members = {mail.subject for mail in outbox if mail.to == ["member@example.com"]}

    assert to_members == {"claude-haiku-5-5 retires on 3 Dec 2026"}
    assert {each.roles for each in BY_KIND.values() if each.kind != Kind.MODEL_RETIRES} == {MANAGERS}


def test_a_mail_names_the_link_that_ends_its_kind(account, outbox):
    tell_of_everything(account)

    mails = mails_of(outbox)

    mandatory = {subject for subject, mail in mails.items() if "List-Unsubscribe" not in mail.extra_headers}
    assert mandatory == {"A payment of Acme failed: $10.02"}
    mail = mails["The free trial of Acme is nearly used up"]
    address = mail.extra_headers["List-Unsubscribe"].strip("<>")
    assert address in mail.body
    assert address in mail.alternatives[0].content
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_organizations_name_is_text_wherever_it_stands(account, outbox):
    organization = account.organization
    organization.name = "<b>A</b>\r\nBcc: all@example.com\n\nPay at https://evil.example"
    organization.save(update_fields=["name"])
    tell_of_everything(account)

    for mail in mails_of(outbox).values():
        message = mail.message()
        assert message["Bcc"] is None
        assert "<b>" not in mail.alternatives[0].content
        assert not re.search(r"^(Bcc|Pay at)", mail.body, re.MULTILINE)


def test_the_successor_of_a_model_is_told_where_there_is_one(account, outbox):
    prices.tell_of_model_retirement(organization_ids=[account.organization_id], model="old", retires_at=DEC_3)

    (mail,) = mails_of(outbox).values()

    assert "are refused from then on" in " ".join(mail.body.split())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "$1.00", "new: $1.00"),
        ("$1.00", "", "$1.00, then no longer offered"),
        ("$1.00", "$2.00", "$1.00, then $2.00"),
    ],
)
def test_a_price_is_told_before_and_after(account, outbox, before, after, told):
    move = PriceMove(name="Input", before=before, after=after)
    for _ in range(2):
        prices.tell_of_price_change(
            organization_ids=[account.organization_id],
            change="c1",
            plan_name="Pro",
            moves=[move],
            takes_effect_at=DEC_3,
        )

    (mail,) = mails_of(outbox).values()

    assert f"Input: {told}" in mail.body

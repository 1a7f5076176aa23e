"""The admin's menu, in five sections, and its first page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from billing.admin.glance.numbers import glance_at_numbers
from billing.models import Discrepancy
from common import clock

# Section: (title, icon of Google's Material Symbols, "app_model").
SECTIONS: dict[str, list[tuple[str, str, str]]] = {
    "Customers": [
        ("Organizations", "apartment", "accounts_organization"),
        ("People", "person", "accounts_user"),
        ("Memberships", "group", "accounts_membership"),
        ("Invitations", "mail", "accounts_invitation"),
        ("API keys", "key", "accounts_apikey"),
        ("Webhooks", "webhook", "billing_customerendpoint"),
        ("E-mail addresses", "alternate_email", "account_emailaddress"),
        ("Stops", "block", "billing_stop"),
        ("Second factors", "password", "mfa_authenticator"),
        ("Terms accepted", "handshake", "accounts_termsacceptance"),
        ("Log", "history_edu", "accounts_auditentry"),
    ],
    "Plans": [
        ("Plans", "sell", "billing_plan"),
        ("Price history", "history", "billing_planprice"),
        ("Prices of Claude's", "payments", "billing_modelcost"),
        ("Model catalogue", "menu_book", "billing_modelcard"),
        ("Models that retire", "event_busy", "billing_modelretirement"),
        ("Moves of subscribers", "move_up", "billing_planmove"),
    ],
    "Usage": [
        ("Usage records", "receipt_long", "billing_usagerecord"),
        ("Daily usage", "calendar_month", "billing_dailyusage"),
    ],
    "Billing health": [
        ("Billing accounts", "account_balance_wallet", "billing_billingaccount"),
        ("Meter events", "speed", "billing_meterevent"),
        ("Held invoices", "hourglass_empty", "billing_invoicehold"),
        ("Late usage", "more_time", "billing_lateusage"),
        ("Mails", "outgoing_mail", "billing_noticemail"),
        ("Customers' webhooks", "send", "billing_eventdelivery"),
        ("Discrepancies", "rule", "billing_discrepancy"),
    ],
    "Stripe": [
        ("Customers", "badge", "djstripe_customer"),
        ("Subscriptions", "autorenew", "djstripe_subscription"),
        ("Invoices", "request_quote", "djstripe_invoice"),
        ("Events", "bolt", "djstripe_event"),
        ("Webhook deliveries", "webhook", "djstripe_webhookeventtrigger"),
    ],
}
FOLDED = {"Stripe"}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu as django-unfold takes it, with what this person may see."""
    sections = [
        {
            "title": title,
            "separator": True,
            "collapsible": title in FOLDED,
            "items": [_item(*entry) for entry in entries if _may_view(request, entry[2])],
        }
        for title, entries in SECTIONS.items()
    ]
    return [section for section in sections if section["items"]]


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse(f"admin:{model}_changelist")}
    if model == "billing_discrepancy":
        item["badge"] = Discrepancy.objects.filter(resolved_at__isnull=True).count()
    return item


def _may_view(request: HttpRequest, model: str) -> bool:
    app_label, _, model_name = model.partition("_")
    return any(request.user.has_perm(f"{app_label}.{right}_{model_name}") for right in ("view", "change"))


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the operator's numbers to the admin's first page, for those with the right to see them."""
    return {**context, "glance": glance_at_numbers(request=request, now=clock.now())}

"""Stripe's webhooks: verified, taken in by dj-stripe, and applied to billing accounts.

dj-stripe fetches each object anew from Stripe before it stores it, so late, repeated or disordered events all lead
to the present state. It stores a delivery before it verifies it, so ours are verified first.
"""

import logging
import uuid
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from djstripe.event_handlers import djstripe_receiver
from djstripe.models import Dispute as DisputeAtStripe
from djstripe.models import Event, Subscription, WebhookEndpoint
from djstripe.views import ProcessWebhookView

from billing.bills.invoice_holds import hold_draft
from billing.credits.credit_notes import keep_note
from billing.credits.refunds import keep_refund
from billing.credits.terms import mark_stale_of
from billing.stripe_billing import client
from billing.stripe_billing.events import NotSigned, read_event
from billing.stripe_billing.sync import renew_lines
from billing.subscriptions.cards import finish_saved_card
from billing.subscriptions.disputes import keep_dispute
from billing.subscriptions.state import apply_subscription

logger = logging.getLogger(__name__)

# One endpoint, made from STRIPE_WEBHOOK_SECRET: its address holds no id that an operator would have to look up.
ENDPOINT_UUID = uuid.uuid5(uuid.NAMESPACE_URL, "rgent:stripe-webhook")
# All that dj-stripe may see of a request's headers. Among those left out: the one that replaces the secret while DEBUG
# is on, and X-Forwarded-For, which dj-stripe writes into a column for addresses, whatever it holds.
HEADERS_KEPT = ("HTTP_STRIPE_SIGNATURE", "HTTP_USER_AGENT", "HTTP_HOST")


TERMS_MAY_CHANGE = (
    "billing.credit_grant.created",
    "billing.credit_grant.updated",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.discount.updated",
    "customer.tax_id.created",
    "customer.tax_id.deleted",
    "invoice.finalized",
    "invoice.voided",
)

REFUNDS = ("refund.created", "refund.failed", "refund.updated")

_process = ProcessWebhookView.as_view()


@csrf_exempt
@transaction.non_atomic_requests
def stripe_webhook(request: HttpRequest) -> HttpResponseBase:
    """Take one event in.

    400 where it is not signed with our secret, 503 or 500 where Stripe is to send it again. 200 where it is stored,
    and where it is signed but can never be: Stripe would repeat it for three days.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        signature = request.META.get("HTTP_STRIPE_SIGNATURE", "")
        event = read_event(body=request.body, signature=signature, secret=settings.STRIPE_WEBHOOK_SECRET)
    except NotSigned as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    if reason := _reason_to_drop(event):
        logger.warning("a webhook was left aside", extra={"event": str(event.get("id"))[:80], "reason": reason})
        return HttpResponse(reason, content_type="text/plain")
    return _take_in(request, event)


def _reason_to_drop(event: dict[str, Any]) -> str:
    """Tell why an event can never be stored; empty where it can."""
    if event.get("object") != "event":
        return "Thin events are not read here: send snapshot events to this address."
    if event.get("account"):
        return "Events of connected accounts are not read here."
    if bool(event.get("livemode")) != settings.STRIPE_LIVE_MODE:
        return "This event is of Stripe's other mode, live or test."
    return ""


def _take_in(request: HttpRequest, event: dict[str, Any]) -> HttpResponseBase:
    _forget_other_headers(request)
    _ensure_endpoint()
    # dj-stripe fetches objects within its transaction, which on SQLite holds the lock that requests to Claude wait for.
    if connection.vendor == "sqlite" and not client.answers():
        return HttpResponse("Stripe does not answer at the moment: send it again.", status=503)
    try:
        if event.get("type") == "invoice.created":
            # Before Stripe hears a 2xx, after which it finalizes within the hour; and outside dj-stripe's transaction.
            hold_draft(event["data"]["object"])
        if event.get("type") in TERMS_MAY_CHANGE:
            mark_stale_of(customer_id=str(event["data"]["object"].get("customer") or ""))
        if event.get("type") == "customer.updated" and settings.STRIPE_TAX:  # its address may be another
            mark_stale_of(customer_id=str(event["data"]["object"]["id"]))
        if event.get("type") in REFUNDS:  # outside dj-stripe's transaction, since Stripe is asked for the invoice
            keep_refund(event["data"]["object"])
        if event.get("type") == "checkout.session.completed":
            finish_saved_card(session=event["data"]["object"])
        with client.translate_stripe_errors():
            answer = _process(request, uuid=ENDPOINT_UUID)
        _renew_lines_of(event)
        return answer
    except client.StripeUnavailable:
        return HttpResponse("Stripe does not answer at the moment: send it again.", status=503)
    except client.StripeRejected as error:
        logger.error("a webhook cannot be processed", extra={"event": event["id"], "error": str(error)})
        return HttpResponse("Stripe does not know what this event is about.", content_type="text/plain")


def _renew_lines_of(event: dict[str, Any]) -> None:
    about = event["data"]["object"]
    if about.get("object") == "invoice" and about.get("id") and (about.get("lines") or {}).get("has_more"):
        renew_lines(invoice_id=about["id"])


def _forget_other_headers(request: HttpRequest) -> None:
    for name in [name for name in request.META if name.startswith("HTTP_") and name not in HEADERS_KEPT]:
        del request.META[name]
    request.__dict__.pop("headers", None)  # a cached property over META


def _ensure_endpoint() -> None:
    """Keep dj-stripe's row of the endpoint equal to the settings, so that a new secret holds at once."""
    url = f"{settings.PUBLIC_URL}/webhooks/stripe"
    current = WebhookEndpoint.objects.filter(djstripe_uuid=ENDPOINT_UUID).values_list("secret", "url").first()
    if current == (settings.STRIPE_WEBHOOK_SECRET, url):
        return
    WebhookEndpoint.objects.update_or_create(
        djstripe_uuid=ENDPOINT_UUID,
        defaults={
            "id": f"we_{ENDPOINT_UUID.hex}",
            "secret": settings.STRIPE_WEBHOOK_SECRET,
            "url": url,
            "status": "enabled",
            "enabled_events": ["*"],
            "livemode": settings.STRIPE_LIVE_MODE,
        },
    )


@djstripe_receiver(  # type: ignore[untyped-decorator]
    [
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
    ]
)
def subscription_changed(event: Event, **kwargs: Any) -> None:
    """Apply a subscription that dj-stripe has just stored."""
    subscription = Subscription.objects.filter(id=event.data["object"]["id"]).first()
    if subscription is not None:
        apply_subscription(data=subscription.stripe_data)


@djstripe_receiver(["credit_note.created", "credit_note.updated", "credit_note.voided"])  # type: ignore[untyped-decorator]
def credit_note_changed(event: Event, **kwargs: Any) -> None:
    """Keep a credit note, of which dj-stripe has no table."""
    keep_note(event.data["object"])


@djstripe_receiver(  # type: ignore[untyped-decorator]
    [
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
    ]
)
def dispute_changed(event: Event, **kwargs: Any) -> None:
    """Act on a dispute that dj-stripe has just stored."""
    dispute = DisputeAtStripe.objects.filter(id=event.data["object"]["id"]).first()
    if dispute is not None:
        keep_dispute(dispute.stripe_data)

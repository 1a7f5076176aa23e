"""Stripe's webhooks: signed, taken in by dj-stripe, and applied to billing accounts.

dj-stripe fetches each object anew from Stripe before it stores it, so late, repeated or disordered events all lead
to the present state.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from djstripe.event_handlers import djstripe_receiver
from djstripe.models import Event, Subscription, WebhookEndpoint
from djstripe.views import ProcessWebhookView

from billing.stripe_billing import client
from billing.subscriptions.state import apply_subscription

# One endpoint, made from STRIPE_WEBHOOK_SECRET: its address holds no id that an operator would have to look up.
ENDPOINT_UUID = uuid.uuid5(uuid.NAMESPACE_URL, "rgent:stripe-webhook")
# dj-stripe lets this header stand in for the secret while DEBUG is on.
DEBUG_SECRET_HEADER = "HTTP_X_DJSTRIPE_WEBHOOK_SECRET"  # noqa: S105 - the name of a header

_process = ProcessWebhookView.as_view()


@csrf_exempt
@transaction.non_atomic_requests
def stripe_webhook(request: HttpRequest) -> HttpResponseBase:
    """Take one event in. 400 where it is not signed with our secret; 500 or 503 where it is to be sent again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    request.META.pop(DEBUG_SECRET_HEADER, None)
    request.__dict__.pop("headers", None)  # a cached property over META
    _ensure_endpoint()
    # dj-stripe fetches objects within its transaction, which on SQLite holds the lock that requests to Claude wait for.
    if connection.vendor == "sqlite" and not client.is_there():
        return HttpResponse("Stripe does not answer at the moment: send it again.", status=503)
    return _process(request, uuid=ENDPOINT_UUID)


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

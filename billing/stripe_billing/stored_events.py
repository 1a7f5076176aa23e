"""The events that Stripe sent, as dj-stripe stores them, and how long they are kept."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Model
from djstripe.models import Event, IdempotencyKey, WebhookEventTrigger

# dj-stripe's keys guard a repeated creation; Stripe forgets them after a day (docs.stripe.com/api/idempotent_requests).
KEYS_KEPT_FOR = timedelta(hours=24)
BATCH = 1000


def forget_old_events(*, now: datetime) -> int:
    """Delete stored events and deliveries older than STRIPE_EVENTS_KEPT_DAYS of wall time; return how many.

    They were applied long ago: subscriptions and invoices are tables of their own.
    """
    kept_since = now - timedelta(days=settings.STRIPE_EVENTS_KEPT_DAYS)
    deleted = _delete_before(WebhookEventTrigger, created__lt=kept_since)
    deleted += _delete_before(Event, djstripe_created__lt=kept_since)
    return deleted + _delete_before(IdempotencyKey, created__lt=now - KEYS_KEPT_FOR)


def _delete_before(model: type[Model], **condition: datetime) -> int:
    """Delete in batches, so that no transaction holds a whole month's rows."""
    deleted = 0
    while ids := list(model._default_manager.filter(**condition).values_list("pk", flat=True)[:BATCH]):
        deleted += model._default_manager.filter(pk__in=ids).delete()[0]
    return deleted

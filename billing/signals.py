"""Signals: a new organization gets its billing account."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import Organization
from billing import clock
from billing.subscriptions.state import open_billing_account


@receiver(post_save, sender=Organization, dispatch_uid="billing.open_billing_account")
def organization_saved(instance: Organization, created: bool, raw: bool, **kwargs: Any) -> None:
    """Open the billing account of a new organization in the same transaction. Fixtures bring their own."""
    if created and not raw:
        open_billing_account(organization=instance, now=clock.now())

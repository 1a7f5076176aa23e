"""The ground of rows that are written here first and then made at Stripe."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class MadeAtStripe(models.Model):
    """A row whose making at Stripe may be tried again. The identifier is the idempotency key of its making.

    A subclass has a `state`, which begins as PENDING and is REJECTED where Stripe refused for good.
    """

    PENDING, REJECTED = "pending", "rejected"

    identifier = models.CharField(max_length=100, unique=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

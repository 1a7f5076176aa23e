"""The endpoints of an organization: made, changed, switched off and on, their secrets rotated, removed."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import AuditEvent, note_change
from accounts.models import Organization
from billing.customer_webhooks.addresses import check_url
from billing.customer_webhooks.signing import new_secret, sealed
from billing.mail.webhooks import tell_of_endpoint_off
from billing.models import CustomerEndpoint, EventDelivery

MOST_ENDPOINTS = 10
# From at once to a week, as keys.
LONGEST_OVERLAP = timedelta(days=7)

Reason = CustomerEndpoint.Reason


class TooManyEndpoints(Exception):
    """The organization has as many endpoints as it may."""


class EndpointTerms(TypedDict, total=False):
    """The terms of an endpoint. No types of events are all of them, also those that come later."""

    url: str
    event_types: Collection[str]


def endpoints_of(*, organization_id: int) -> QuerySet[CustomerEndpoint]:
    """Return an organization's endpoints, oldest first."""
    return CustomerEndpoint.objects.filter(organization_id=organization_id).order_by("id")


@transaction.atomic
def add_endpoint(
    *, organization: Organization, url: str, event_types: Collection[str] = ()
) -> tuple[CustomerEndpoint, str]:
    """Add an endpoint, and return it with its secret, which is shown this once.

    Raises BadAddress, TooManyEndpoints.
    """
    url = check_url(url)
    Organization.objects.select_for_update().get(pk=organization.pk)
    if endpoints_of(organization_id=organization.pk).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"An organization has {MOST_ENDPOINTS} endpoints at most: remove one first.")
    secret = new_secret()
    endpoint = CustomerEndpoint.objects.create(
        organization=organization, url=url, event_types=sorted(set(event_types)), sealed_secret=sealed(secret)
    )
    note_change(AuditEvent.WEBHOOK_ADDED, organization_id=organization.pk, detail=url)
    return endpoint, secret


@transaction.atomic
def change_endpoint(*, endpoint: CustomerEndpoint, terms: EndpointTerms) -> None:
    """Change the given terms. Deliveries that wait go to the new address, which has not failed yet.

    Raises BadAddress.
    """
    given: dict[str, object] = {}
    if "url" in terms:
        given["url"] = check_url(terms["url"])
        CustomerEndpoint.objects.filter(pk=endpoint.pk).exclude(url=given["url"]).update(failing_since=None)
    if "event_types" in terms:
        given["event_types"] = sorted(set(terms["event_types"]))
    if given:
        CustomerEndpoint.objects.filter(pk=endpoint.pk).update(**given)
        detail = str(given.get("url", endpoint.url))
        note_change(AuditEvent.WEBHOOK_CHANGED, organization_id=endpoint.organization_id, detail=detail)


@transaction.atomic
def rotate_secret(*, endpoint: CustomerEndpoint, overlap: timedelta, now: datetime) -> str:
    """Give an endpoint another secret and return it; the old one signs as well until `overlap` is over.

    A third one, of a rotation before, ends at once. `now` is wall time.
    """
    locked = CustomerEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    secret = new_secret()
    CustomerEndpoint.objects.filter(pk=endpoint.pk).update(
        sealed_secret=sealed(secret),
        sealed_old_secret=locked.sealed_secret if overlap else "",
        old_secret_ends_at=now + overlap if overlap else None,
    )
    note_change(AuditEvent.WEBHOOK_SECRET_ROTATED, organization_id=endpoint.organization_id, detail=endpoint.url)
    return secret


@transaction.atomic
def remove_endpoint(*, endpoint: CustomerEndpoint) -> None:
    """Remove an endpoint, and its deliveries with it."""
    removed, _ = CustomerEndpoint.objects.filter(pk=endpoint.pk).delete()
    if removed:
        note_change(AuditEvent.WEBHOOK_REMOVED, organization_id=endpoint.organization_id, detail=endpoint.url)


@transaction.atomic
def switch_on(*, endpoint: CustomerEndpoint) -> None:
    """Let an endpoint have events again, from now on. Nothing changes for one that is on."""
    off = CustomerEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    if off.update(disabled_at=None, disabled_reason="", failing_since=None):
        note_change(AuditEvent.WEBHOOK_ON, organization_id=endpoint.organization_id, detail=endpoint.url)


@transaction.atomic
def switch_off(*, endpoint: CustomerEndpoint, reason: CustomerEndpoint.Reason, now: datetime) -> None:
    """Send an endpoint nothing more, not even what waits. Owners and admins are mailed unless it was done by hand.

    `now` is wall time. Nothing changes for one that is off.
    """
    on = CustomerEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if not on.update(disabled_at=now, disabled_reason=reason):
        return
    waiting = EventDelivery.objects.filter(endpoint=endpoint, state=EventDelivery.State.WAITING)
    waiting.update(state=EventDelivery.State.DROPPED, ended_at=now)
    note_change(AuditEvent.WEBHOOK_OFF, organization_id=endpoint.organization_id, detail=endpoint.url)
    if reason != Reason.BY_HAND:
        tell_of_endpoint_off(endpoint, gone=reason == Reason.GONE, now=now)

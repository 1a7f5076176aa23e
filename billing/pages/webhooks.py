"""Pages of webhooks: endpoints, their secrets, and the log of deliveries. Owners and admins alone see them."""

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.key_reveal import forget_revealed_key, reveal_next, revealed_key
from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from accounts.recent_sign_in import require_confirmation
from billing.customer_webhooks.endpoints import (
    Reason,
    TooManyEndpoints,
    add_endpoint,
    change_endpoint,
    endpoints_of,
    remove_endpoint,
    rotate_secret,
    switch_off,
    switch_on,
)
from billing.customer_webhooks.events import body_of
from billing.customer_webhooks.log import EndpointIsOff, TooManySendings, deliveries_of, send_again, send_test
from billing.models import CustomerEndpoint, EventDelivery
from billing.pages.webhook_forms import EndpointForm, SecretRotationForm
from common import clock

PAGE_SIZE = 25


@require_safe
@member_page
def webhooks(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's endpoints."""
    require_manager(membership)
    return _list_page(request, membership, form=EndpointForm())


@require_POST
@member_page
def add(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Add an endpoint and go to its page, which shows its secret. Raises ReauthenticationRequired."""
    require_manager(membership)
    require_confirmation(request)
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _list_page(request, membership, form=form, status=422)
    try:
        endpoint, secret = add_endpoint(organization=membership.organization, **form.terms())
    except TooManyEndpoints as error:
        form.add_error(None, str(error))
        return _list_page(request, membership, form=form, status=422)
    return _reveal(request, endpoint, secret)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def webhook(request: HttpRequest, membership: Membership, *, endpoint_id: int) -> HttpResponse:
    """Show an endpoint and its log, and a secret just made, this once; a POST changes address and events.

    Another address needs the password, as a new endpoint does. Raises ReauthenticationRequired.
    """
    endpoint = _endpoint_of(membership, endpoint_id)
    form = EndpointForm(request.POST if request.method == "POST" else None, endpoint=endpoint)
    if form.is_valid():
        if form.cleaned_data["url"] != endpoint.url:
            require_confirmation(request)
        change_endpoint(endpoint=endpoint, terms=form.terms())
        messages.success(request, "The webhook is changed.")
        return redirect("webhook", endpoint_id=endpoint.pk)
    secret = revealed_key(request)
    context = {
        "membership": membership,
        "endpoint": endpoint,
        "form": form,
        "rotation": SecretRotationForm(),
        "new_secret": secret,
        "page": Paginator(deliveries_of(endpoint=endpoint), PAGE_SIZE).get_page(request.GET.get("page")),
        "kept": "",
    }
    response = render(request, "billing/webhook.html", context, status=422 if form.is_bound else 200)
    if secret:
        forget_revealed_key(response, path=_path(endpoint))
    return response


@require_POST
@member_page
def rotate(request: HttpRequest, membership: Membership, *, endpoint_id: int) -> HttpResponse:
    """Make another secret and show it on the endpoint's page. Raises ReauthenticationRequired."""
    endpoint = _endpoint_of(membership, endpoint_id)
    require_confirmation(request)
    form = SecretRotationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose how long the old secret signs as well.")
        return redirect("webhook", endpoint_id=endpoint.pk)
    return _reveal(request, endpoint, rotate_secret(endpoint=endpoint, overlap=form.overlap_time, now=timezone.now()))


@require_POST
@member_page
def switch(request: HttpRequest, membership: Membership, *, endpoint_id: int) -> HttpResponse:
    """Switch an endpoint off, or on again."""
    endpoint = _endpoint_of(membership, endpoint_id)
    if "on" in request.POST:
        switch_on(endpoint=endpoint)
        messages.success(request, "Events are sent to this endpoint from now on.")
    else:
        switch_off(endpoint=endpoint, reason=Reason.BY_HAND, now=timezone.now())
        messages.success(request, "Nothing is sent to this endpoint any more.")
    return redirect("webhook", endpoint_id=endpoint.pk)


@require_POST
@member_page
def test(request: HttpRequest, membership: Membership, *, endpoint_id: int) -> HttpResponse:
    """Send a test event, and show its delivery."""
    endpoint = _endpoint_of(membership, endpoint_id)
    try:
        sent = send_test(endpoint=endpoint, now=clock.now(), wall_now=timezone.now())
    except (EndpointIsOff, TooManySendings) as error:
        messages.error(request, str(error))
        return redirect("webhook", endpoint_id=endpoint.pk)
    return redirect("webhook_delivery", endpoint_id=endpoint.pk, delivery_id=sent.pk)


@require_POST
@member_page
def remove(request: HttpRequest, membership: Membership, *, endpoint_id: int) -> HttpResponse:
    """Remove an endpoint and its log."""
    endpoint = _endpoint_of(membership, endpoint_id)
    remove_endpoint(endpoint=endpoint)
    messages.success(request, f"The webhook to {endpoint.url} is removed.")
    return redirect("webhooks")


@require_safe
@member_page
def delivery(request: HttpRequest, membership: Membership, *, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Show a delivery: what is sent, and the last answer."""
    endpoint = _endpoint_of(membership, endpoint_id)
    shown = _delivery_of(endpoint, delivery_id)
    context = {
        "membership": membership,
        "endpoint": endpoint,
        "delivery": shown,
        "body": json.dumps(json.loads(body_of(shown.event)), indent=2),
        "waits": shown.state == EventDelivery.State.WAITING,
    }
    return render(request, "billing/webhook_delivery.html", context)


@require_POST
@member_page
def resend(request: HttpRequest, membership: Membership, *, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Send a delivery again."""
    endpoint = _endpoint_of(membership, endpoint_id)
    try:
        send_again(delivery=_delivery_of(endpoint, delivery_id), wall_now=timezone.now())
    except (EndpointIsOff, TooManySendings) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is sent again, within seconds.")
    return redirect("webhook_delivery", endpoint_id=endpoint.pk, delivery_id=delivery_id)


def _list_page(request: HttpRequest, membership: Membership, *, form: EndpointForm, status: int = 200) -> HttpResponse:
    endpoints = endpoints_of(organization_id=membership.organization_id)
    context = {"membership": membership, "endpoints": endpoints, "form": form}
    return render(request, "billing/webhooks.html", context, status=status)


def _endpoint_of(membership: Membership, endpoint_id: int) -> CustomerEndpoint:
    """Return an endpoint of the organization. Raises Http404 for another's, PermissionDenied for members."""
    endpoint = get_object_or_404(endpoints_of(organization_id=membership.organization_id), pk=endpoint_id)
    require_manager(membership)
    return endpoint


def _delivery_of(endpoint: CustomerEndpoint, delivery_id: int) -> EventDelivery:
    return get_object_or_404(deliveries_of(endpoint=endpoint).select_related("event", "endpoint"), pk=delivery_id)


def _path(endpoint: CustomerEndpoint) -> str:
    return reverse("webhook", kwargs={"endpoint_id": endpoint.pk})


def _reveal(request: HttpRequest, endpoint: CustomerEndpoint, secret: str) -> HttpResponse:
    response = redirect(_path(endpoint))
    reveal_next(response, request=request, key=secret, path=_path(endpoint))
    return response

"""Webhook endpoints (https://docs.stripe.com/api/webhook_endpoints): the addresses that are told of events, each with
its secret.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.urls import check_url
from sandbox.stripe_api.protocol.world import API_VERSION, World


@endpoint(
    "POST",
    "/v1/webhook_endpoints",
    "WebhookEndpointCreateParams",
    "api_version description enabled_events metadata url",
)
def create(world: World, params: Params) -> Json:
    """Create an endpoint. Only this answer shows its secret."""
    doc = world.add(_endpoint(world, params, secret=ids.webhook_secret()))
    return {**doc, "secret": doc["_secret"]}


@endpoint("GET", "/v1/webhook_endpoints/{webhook}", "WebhookEndpointRetrieveParams")
def retrieve(world: World, params: Params, webhook: str) -> Json:
    """Return one endpoint."""
    return world.get("webhook_endpoint", webhook)


@endpoint(
    "POST",
    "/v1/webhook_endpoints/{webhook}",
    "WebhookEndpointUpdateParams",
    "description disabled enabled_events metadata url",
)
def update(world: World, params: Params, webhook: str) -> Json:
    """Change an endpoint, or disable it."""
    doc = world.get("webhook_endpoint", webhook)
    changes = fields.given(params, "description", "enabled_events", "url")
    if "url" in changes:
        check_url(params, "url")
    changes |= fields.changed_metadata(params, doc)
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    return world.change(doc, **changes)


@endpoint("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", LISTING)
def list_all(world: World, params: Params) -> Json:
    """List endpoints, newest first."""
    return lists.listing(world, "webhook_endpoint", params, url="/v1/webhook_endpoints")


@endpoint("DELETE", "/v1/webhook_endpoints/{webhook}", "WebhookEndpointDeleteParams")
def delete(world: World, params: Params, webhook: str) -> Json:
    """Delete an endpoint."""
    world.get("webhook_endpoint", webhook)
    world.store.delete(webhook)
    return {"id": webhook, "object": "webhook_endpoint", "deleted": True}


def ensure(world: World, *, url: str, secret: str) -> Json:
    """Return an enabled endpoint of this URL with this secret and every event: a changed or a new one."""
    found = world.find("webhook_endpoint", url=url)
    if found:
        return world.change(found[0], _secret=secret, status="enabled", enabled_events=["*"])
    return world.add(_endpoint(world, {"url": url, "enabled_events": ["*"]}, secret=secret))


def _endpoint(world: World, params: Params, *, secret: str) -> Json:
    check_url(params, "url")
    return {
        "id": ids.new("we"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version", API_VERSION),
        "application": None,
        "created": world.now,
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": fields.metadata(params.get("metadata")),
        "status": "enabled",
        "url": params["url"],
        "_secret": secret,
    }

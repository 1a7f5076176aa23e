"""The `next_action` of intents: the redirect to the page that stands for the customer's bank (3-D Secure)."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol.world import World


def bank_redirect(world: World, intent: Json, *, return_url: str | None = None) -> Json:
    """Return the `next_action` of an intent whose bank asks the customer and leads back to `return_url`."""
    url = f"{world.base_url}/authenticate/{intent['id']}"
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}

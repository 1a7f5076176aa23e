"""The World, which every operation on the sandbox's Stripe is given: the stored objects, the moment, and the request
that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.store import Json, Store
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.deliveries import Deliveries
from sandbox.stripe_api.protocol.errors import no_such

API_VERSION = "2026-08-26.dahlia"
TEST_CLOCK = "test_helpers.test_clock"
ACCOUNT_ID = "acct_1SandboxRgent0000"

Renderer = Callable[["World", Json], Json]
RENDERERS: dict[str, Renderer] = {}


def renders(kind: str) -> Callable[[Renderer], Renderer]:
    """Register the function that turns a stored document of `kind` into the object Stripe shows."""

    def register(renderer: Renderer) -> Renderer:
        RENDERERS[kind] = renderer
        return renderer

    return register


@dataclass(frozen=True)
class Origin:
    """The request that causes a change. Both fields are None where the sandbox acts by itself, as when time passes."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class World:
    """The state and the moment of one operation.

    `now` is in unix seconds of sandbox time. `base_url` has no slash at its end. `clock` is the test clock whose time
    it is, if any. `lags` is true for previews, whose usage may be behind.
    """

    store: Store
    now: int
    base_url: str
    origin: Origin = Origin()
    lags: bool = False
    clock: str | None = None

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> Json:
        """Return the stored document.

        Raises NotFound where there is none or it is deleted; InvalidRequest instead where `param` says which parameter
        named it.
        """
        doc = self.store.get(kind, object_id)
        if doc is None or doc.get("deleted"):
            raise no_such(NOUNS.get(kind, kind), object_id, param=param or "id", status=400 if param else 404)
        return doc

    def find(self, kind: str, **filters: Any) -> list[Json]:
        """Return every document of `kind` whose fields equal the filters, newest first (see `Store.find`)."""
        return self.store.find(kind, filters)

    def add(self, doc: Json, *, event: str | None = None) -> Json:
        """Store a new document, and emit `event` if one is given."""
        self.store.insert(doc)
        if event:
            self.emit(event, doc)
        return doc

    def change(self, doc: Json, *, event: str | None = None, **changes: Any) -> Json:
        """Set top-level fields of `doc`, in place and in the store. Emits `event`, if one is given, where a field
        really differs.
        """
        before = self.render(doc) if event else {}
        doc.update(changes)
        self.store.save(doc)
        if event:
            self.emit_changes(event, doc, before=before)
        return doc

    def emit_changes(self, event: str, doc: Json, *, before: Json) -> None:
        """Emit `event` with the values of the rendered object `before` that have changed; nothing if none has."""
        if previous := _previous(before, self.render(doc)):
            self.emit(event, doc, previous=previous)

    def schedule(self, action: str, subject: str, *, due_at: int) -> None:
        """Do `action` on `subject` at `due_at`, by this world's clock."""
        self.store.schedule(action, subject, due_at=due_at, clock=self.clock or "")

    def render(self, doc: Json) -> Json:
        """Return the object as Stripe shows it, without the sandbox's own notes (fields that begin with `_`)."""
        renderer = None if doc.get("deleted") else RENDERERS.get(doc.get("object", ""))
        shown = renderer(self, doc) if renderer else doc
        return {name: value for name, value in shown.items() if name[0] != "_"}

    def emit(self, event_type: str, doc: Json, *, previous: Json | None = None) -> str:
        """Record an event with a snapshot of the object, queue it for every webhook endpoint that wants it, and return
        its id.
        """
        data: Json = {"object": self.render(doc)}
        if previous is not None:
            data["previous_attributes"] = previous
        event_id, deliveries = ids.new("evt"), Deliveries(self.store)
        event: Json = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": deliveries.add_for(event_id, event_type=event_type, kind="webhook_endpoint"),
            "request": {"id": self.origin.request_id, "idempotency_key": self.origin.idempotency_key},
            "type": event_type,
        }
        self.store.insert(event)
        return event_id


def _previous(before: Json, after: Json) -> Json:
    """Return the values of `before` that differ in `after`. Dictionaries are compared inside."""
    previous: Json = {}
    for name in before | after:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        previous[name] = _previous(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return previous


# Stripe's error sentences call these kinds by another name than the API does.
NOUNS = {
    "billing.meter": "billing meter",
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "session",
    "checkout.session": "checkout.session",
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "webhook_endpoint": "webhook endpoint",
    "subscription_item": "subscription_item",
}

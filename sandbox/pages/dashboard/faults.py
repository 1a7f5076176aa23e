"""The page of faults on demand: failing calls and webhooks, and the sandbox's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import settings
from sandbox.faults import CALL_EFFECTS, WEBHOOK_EFFECTS, InvalidFault
from sandbox.pages.dashboard import frame
from sandbox.pages.web import form, redirect_to
from sandbox.settings import SETTINGS, InvalidSetting, OneOf
from sandbox.stripe_api.billing import collection
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.payments import payments
from sandbox.stripe_api.protocol.meter_traffic import BUSY_MS

if TYPE_CHECKING:
    from sandbox.running import Sandbox

_HERE = "/dashboard/faults"
_WHOLE, _DECIMAL = ("times", "status"), ("delay_s", "for_s", "retry_after_s")
_EFFECTS = {
    "status": "answer with a status, and do nothing",
    "timeout": "do nothing, and never answer",
    "timeout_after": "do what was asked, but never answer",
    "slow": "answer late",
    "rate_limit": "429, too many requests",
    "down": "all of Stripe is down",
    "webhook_late": "deliver late",
    "webhook_twice": "deliver twice",
    "webhook_out_of_order": "deliver after the next one",
    "webhook_never": "never deliver",
}
_SETTINGS = {
    payments.DECLINE_NEXT: "This many next payments are declined, whatever the card",
    collection.WHEN_RETRIES_END: "When the last retry of a payment has failed, the subscription",
    usage.SUMMARY_LAG: "Meter summaries lag behind by this many seconds",
    BUSY_MS: "A meter event keeps its customer and meter busy for this many milliseconds (429 for another)",
}

_CHOICES = {"cancel": "is canceled", "unpaid": "becomes unpaid", "past_due": "stays past due"}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the page and its buttons."""

    async def show_all(request: Request) -> Response:
        return _page(sandbox, request)

    async def add(request: Request) -> Response:
        try:
            sandbox.faults.add(_description(await form(request)))
        except InvalidFault as error:
            return _page(sandbox, request, error=str(error), status=400)
        return redirect_to(_HERE)

    async def clear(request: Request) -> Response:
        sandbox.faults.clear()
        sandbox.courier.wake()
        return redirect_to(_HERE)

    async def change(request: Request) -> Response:
        try:
            settings.change(sandbox.store, _wanted(await form(request)))
        except InvalidSetting as error:
            return _page(sandbox, request, error=str(error), status=400)
        return redirect_to(_HERE)

    return [
        Route(_HERE, show_all),
        Route(_HERE, add, methods=["POST"]),
        Route(f"{_HERE}/clear", clear, methods=["POST"]),
        Route(f"{_HERE}/settings", change, methods=["POST"]),
    ]


def _page(sandbox: Sandbox, request: Request, *, error: str | None = None, status: int = 200) -> Response:
    groups = (("Calls", CALL_EFFECTS), ("Webhooks", WEBHOOK_EFFECTS))
    return frame.show(
        sandbox,
        request,
        "faults",
        status=status,
        error=error,
        groups=[(label, [(effect, _EFFECTS[effect]) for effect in effects]) for label, effects in groups],
        waiting=[_waiting(fault.as_json()) for fault in sandbox.faults.waiting()],
        settings=_settings(sandbox),
    )


def _waiting(fault: dict[str, Any]) -> dict[str, str]:
    """Describe a fault in words."""
    on_event = fault["effect"] in WEBHOOK_EFFECTS
    times = "all" if fault["times"] is None else str(fault["times"])
    return {
        "effect": _EFFECTS[fault["effect"]],
        "of": fault["event"] if on_event else f"{fault['method']} {fault['path']}",
        "left": times if fault["for_s"] is None else f"{times} for {fault['for_s']:g} s",
        "status": str(fault["status"]) if fault["effect"] in ("status", "down") else "–",
        "delay": f"{fault['delay_s']:g} s" if fault["effect"] not in ("status", "down", "rate_limit") else "–",
    }


def _settings(sandbox: Sandbox) -> list[dict[str, Any]]:
    values = settings.read(sandbox.store)
    return [
        {
            "name": name,
            "label": _SETTINGS[name],
            "value": values[name],
            "choices": [(word, _CHOICES[word]) for word in rule.words] if isinstance(rule, OneOf) else [],
            "rule": str(rule),
        }
        for name, rule in SETTINGS.items()
    ]


def _description(fields: dict[str, str]) -> dict[str, Any]:
    """Return a fault as the control API takes it, without the empty fields. Raises InvalidFault."""
    description: dict[str, Any] = {name: value.strip() for name, value in fields.items() if value.strip()}
    try:
        description |= {name: int(description[name]) for name in _WHOLE if name in description}
        description |= {name: float(description[name]) for name in _DECIMAL if name in description}
    except ValueError as error:
        raise InvalidFault("Times, status and seconds are numbers.") from error
    return {"times": None, **description}


def _wanted(fields: dict[str, str]) -> dict[str, Any]:
    """Return settings as the control API takes them, with digits as numbers."""
    return {name: int(value) if value.isascii() and value.isdigit() else value for name, value in fields.items()}

"""Stripe and Claude, asked by calls that cost nothing."""

import asyncio
from collections.abc import Iterator

from django.conf import settings

from billing.models import ModelCost, Plan
from billing.plans.price_lists import current_prices
from billing.stripe_billing import webhook_endpoints
from billing.stripe_billing.account import own_account, tax_is_active
from billing.tokens import TokenClass
from chat import claude, claude_connections
from rgent.doctor.findings import Finding, good, look, wrong


def account() -> Iterator[Finding]:
    """Look at the account at Stripe. Raises StripeUnavailable, StripeRejected."""
    found = own_account()
    if not found.charges_enabled:
        yield wrong("Stripe", f"{found.stripe_id} may not charge cards: finish its activation in the dashboard.")
    elif not found.payouts_enabled:
        yield look("Stripe", f"{found.stripe_id} charges, and pays nothing out: look at its dashboard.")
    else:
        yield good("Stripe", f"The key opens {found.stripe_id}, which may charge cards.")


def webhooks(*, fix: bool) -> Iterator[Finding]:
    """Look at our webhook endpoint; make or mend it with `fix`. Raises StripeUnavailable, StripeRejected."""
    url, found = webhook_endpoints.our_url(), webhook_endpoints.our_endpoint()
    if found and found.enabled and not found.missing:
        yield good("webhooks", f"{url} is told of every event that is read.")
    elif not fix:
        lack = "There is no endpoint" if not found else "It is disabled" if not found.enabled else _told(found.missing)
        yield wrong("webhooks", f"{lack}: {url}. `doctor --fix` mends that.")
    elif found:
        webhook_endpoints.mend_endpoint(found)
        yield good("webhooks", f"{url} is enabled, and told of every event that is read. Mended just now.")
    else:
        secret = webhook_endpoints.make_endpoint()
        yield look("webhooks", f"{url} was made. Set STRIPE_WEBHOOK_SECRET={secret} and restart web: told this once.")


def tax() -> Iterator[Finding]:
    """Look at Stripe Tax, where it is used. Raises StripeUnavailable, StripeRejected."""
    if not settings.STRIPE_TAX:
        yield good("tax", "Not used (STRIPE_TAX).")
    elif tax_is_active():
        yield good("tax", "Stripe Tax is active.")
    else:
        yield wrong("tax", "Stripe Tax lacks its origin address or a registration: finish it in the dashboard.")


def grace() -> Iterator[Finding]:
    """Tell of the rule that no call can read."""
    if settings.SANDBOX:
        yield good("grace", "The sandbox waits an hour before it finalizes a draft.")
    else:
        yield look("grace", "Not readable by API: in the dashboard, Billing, Invoices, let drafts wait an hour.")


def plans() -> Iterator[Finding]:
    """Look whether what is on sale can be sold, and earns something."""
    lacking = [plan.name for plan in Plan.objects.on_sale().paid() if plan.published_at is None]
    if lacking:
        yield wrong("plans", f"Not published: {', '.join(lacking)}. `manage.py setup_stripe_products`.")
    else:
        yield good("plans", "All plans on sale are published.")
    known = set(ModelCost.objects.values_list("model", "kind"))
    unknown = [model for model in models_on_sale() if any((model, kind.value) not in known for kind in TokenClass)]
    if unknown:
        yield look("margin", f"Claude's own prices of {', '.join(unknown)} are not entered: the margin is unknown.")


def models() -> Iterator[Finding]:
    """Ask Claude whether the key may use every model on sale, which is free. Raises a ClaudeError."""
    names = models_on_sale()
    asyncio.run(_ask_for(names))
    yield good("Claude", f"The key may use {', '.join(names) or 'it, and no model is on sale'}.")


def models_on_sale() -> list[str]:
    """Return the models of the plans on sale, the free trial's among them."""
    plans_on_sale = Plan.objects.on_sale()
    return sorted({price.model for plan in plans_on_sale for price in current_prices(plan=plan)})


async def _ask_for(names: list[str]) -> None:
    try:
        for name in names:
            await claude.model_info(model=name)
            await claude.count_text(model=name, text="Hello")
    finally:
        await claude_connections.close()


def _told(missing: tuple[str, ...]) -> str:
    shown = ", ".join(missing[:3])
    return f"It is not told of {shown}{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}"

"""Entitlement: whether an account and its plan allow a request, and to which model."""

from datetime import datetime

from django.conf import settings

from billing.ledger import trial
from billing.ledger.entries import (
    Begin,
    ModelNotInPlan,
    ModelRetired,
    ModelStopped,
    NotEntitled,
    OrganizationStopped,
    SubscriptionSuspended,
    UnknownModel,
)
from billing.limits.stops import is_stopped
from billing.models import BillingAccount, PlanPrice
from billing.plans.price_lists import PriceList, price_list
from billing.plans.retirements import in_service, past_retirement, retirement_of, served_model


def entitled_model(entry: Begin, *, status: str, prices: PriceList, now: datetime) -> str:
    """Return the model that a request gets. Raises a NotEntitled where the account or its plan does not allow it.

    A model that has retired gives way to its successor where the operator leads there. `now` is billing time.

    A past_due subscription may still call while Stripe retries the payment. An unpaid one is refused, and
    one whose payment is disputed, where the operator chose so.
    """
    model = served_model(entry.model or _first_model(entry, prices=prices, now=now), now=now)
    _check_stops(entry.organization_id, model)
    billing_page = f"{settings.PUBLIC_URL}/app/billing/"
    if status == BillingAccount.Status.SUSPENDED:
        raise SubscriptionSuspended(f"The subscription is unpaid. Pay the open invoice at {billing_page} to go on.")
    if status == BillingAccount.Status.DISPUTED:
        raise SubscriptionSuspended("A payment of this organization is disputed at the bank. Ask support to go on.")
    if retired := past_retirement(model, now=now):
        raise ModelRetired(f"{retired.told(now=now)}{retired.advice}")
    if model not in prices.rates:
        included = ", ".join(in_service(prices.models, now=now)) or "no model yet"
        if model not in PlanPrice.objects.values_list("model", flat=True):
            raise UnknownModel(f"There is no model {model[:100]!r} here. Your plan includes {included}.")
        raise ModelNotInPlan(
            f"The plan {prices.plan_name} does not include {model}. It includes {included}; other plans: {billing_page}"
        )
    return model


def retirement_notice(entry: Begin, *, model: str, now: datetime) -> str:
    """Return the sentence for a caller whose model retires or has retired; empty for others. `model` serves them."""
    retirement = retirement_of(entry.model or model)
    return retirement.told(now=now) if retirement else ""


def check_entitled(organization_id: int, model: str, key_models: tuple[str, ...], now: datetime) -> str:
    """Return the model of a request that could begin, its cap aside. Without a `model` it is the plan's first.

    Raises a NotEntitled.
    """
    account = BillingAccount.objects.filter(organization_id=organization_id).first()
    if account is None:
        raise NotEntitled("This organization has no billing account: ask support to set one up.")
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    request = Begin(
        request_id="",
        organization_id=organization_id,
        api_key_id=None,
        model=model,
        input_tokens=0,
        max_tokens=1,
        key_models=key_models,
    )
    allowed = entitled_model(request, status=account.status, prices=prices, now=now)
    trial.check_requests(account, prices=prices)
    return allowed


def _first_model(entry: Begin, *, prices: PriceList, now: datetime) -> str:
    models = in_service(prices.models, now=now)
    if not entry.key_models:
        return next(iter(models), "")
    return next((model for model in models if model in entry.key_models), entry.key_models[0])


def _check_stops(organization_id: int, model: str) -> None:
    """Raise OrganizationStopped or ModelStopped where the operator refuses such requests at the moment."""
    if is_stopped(organization_id=organization_id):
        raise OrganizationStopped(f"This organization is suspended.{_support()}")
    if is_stopped(model=model) or is_stopped(organization_id=organization_id, model=model):
        raise ModelStopped(
            f"{model[:100]} is out of service here at the moment. Use another model, or try again later."
        )


def _support() -> str:
    return f" Ask support: {settings.CONTACT_URL}" if settings.CONTACT_URL else " Ask support to have it restored."

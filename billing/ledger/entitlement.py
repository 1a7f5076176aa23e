"""Entitlement: whether an account and its plan allow a request, and to which model."""

from django.conf import settings

from billing.ledger import trial
from billing.ledger.entries import Begin, ModelNotInPlan, NotEntitled, SubscriptionSuspended, UnknownModel
from billing.models import BillingAccount, PlanPrice
from billing.plans.price_lists import PriceList, price_list


def entitled_model(entry: Begin, *, status: str, prices: PriceList) -> str:
    """Return the model that a request gets. Raises a NotEntitled where the account or its plan does not allow it.

    A past_due subscription may still call while Stripe retries the payment. An unpaid one is refused, and
    one whose payment is disputed, where the operator chose so.
    """
    model = entry.model or _first_model(entry, prices=prices)
    billing_page = f"{settings.PUBLIC_URL}/app/billing/"
    if status == BillingAccount.Status.SUSPENDED:
        raise SubscriptionSuspended(f"The subscription is unpaid. Pay the open invoice at {billing_page} to go on.")
    if status == BillingAccount.Status.DISPUTED:
        raise SubscriptionSuspended("A payment of this organization is disputed at the bank. Ask support to go on.")
    if model not in prices.rates:
        included = ", ".join(prices.models) or "no model yet"
        if model not in PlanPrice.objects.values_list("model", flat=True):
            raise UnknownModel(f"There is no model {model[:100]!r} here. Your plan includes {included}.")
        raise ModelNotInPlan(
            f"The plan {prices.plan_name} does not include {model}. It includes {included}; other plans: {billing_page}"
        )
    return model


def check_entitled(organization_id: int, model: str, key_models: tuple[str, ...]) -> None:
    """Pass if a request could begin, its cap aside. Without a `model` it is the plan's first. Raises a NotEntitled."""
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
    entitled_model(request, status=account.status, prices=prices)
    trial.check_requests(account, prices=prices)


def _first_model(entry: Begin, *, prices: PriceList) -> str:
    if not entry.key_models:
        return next(iter(prices.models), "")
    return next((model for model in prices.models if model in entry.key_models), entry.key_models[0])

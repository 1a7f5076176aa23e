"""The entitlement of an organization to a model, checked without opening a record."""

from billing.ledger import trial
from billing.ledger.entries import Begin, NotEntitled
from billing.ledger.records import entitled_model
from billing.models import BillingAccount
from billing.plans.price_lists import price_list


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

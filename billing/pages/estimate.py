"""The cost estimator of the pricing page: a month of requests as the bill itself works it out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict

from billing.bills.lines import Bill
from billing.pages.price_table import PlanOnSale, month_on
from billing.plans.retirements import in_service
from billing.tokens import TokenClass

# Beyond these a number is a slip of the keyboard: the most that any plan could serve, and any model could read.
MOST_REQUESTS = 1_000_000_000
MOST_TOKENS = 1_000_000
DEFAULTS = {"requests": "10000", "input": "1500", "cached": "0", "output": "300"}


def _count(label: str, *, least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Enter a number.",
            "invalid": "Enter a whole number, without separators.",
            "min_value": f"At least {least:,}.",
            "max_value": f"At most {most:,}.",
        },
    )


class EstimateForm(forms.Form):
    """A month to estimate. Its address holds all of it, so that it can be shared."""

    model = forms.ChoiceField(
        label="Model", error_messages={"invalid_choice": "This model is not on sale: choose one that is."}
    )
    requests = _count("Requests a month", least=1, most=MOST_REQUESTS)
    input = _count("Input tokens a request", least=0, most=MOST_TOKENS)
    cached = _count("Of these read from the cache", least=0, most=MOST_TOKENS)
    output = _count("Output tokens a request", least=0, most=MOST_TOKENS)

    def __init__(self, *args: Any, models: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = models

    def clean(self) -> dict[str, Any]:
        """Refuse more cached tokens than there are."""
        data = super().clean() or {}
        if data.get("cached", 0) > data.get("input", MOST_TOKENS):
            self.add_error("cached", "More than the input itself: it is a part of it.")
        return data

    @property
    def tokens(self) -> dict[TokenClass, int]:
        """The month's tokens of each class that is used."""
        data = self.cleaned_data
        a_request = {
            TokenClass.INPUT: data["input"] - data["cached"],
            TokenClass.CACHE_READ: data["cached"],
            TokenClass.OUTPUT: data["output"],
        }
        return {token_class: tokens * data["requests"] for token_class, tokens in a_request.items() if tokens}


@dataclass(frozen=True, slots=True)
class Estimate:
    """The form, and the bill of its month; none where the form has errors."""

    form: EstimateForm
    bill: Bill | None


def estimate(data: QueryDict, *, plans: Iterable[PlanOnSale], now: datetime) -> Estimate | None:
    """Return the estimate that an address asks for, of a usual month where it asks for none; None if nothing is sold.

    `now` is billing time: models that have retired are not offered.
    """
    sold = {
        f"{plan.code}/{model}": (plan, model)
        for plan in plans
        if not plan.is_trial
        for model in in_service(plan.models, now=now)
    }
    if not sold:
        return None
    asked = {name: data[name] for name in ("model", *DEFAULTS) if name in data}
    form = EstimateForm(
        {"model": next(iter(sold)), **DEFAULTS, **asked},
        models=[(value, f"{model} on {plan.name}") for value, (plan, model) in sold.items()],
    )
    if not form.is_valid():
        return Estimate(form, None)
    plan, model = sold[form.cleaned_data["model"]]
    return Estimate(form, month_on(plan=plan, model=model, tokens=form.tokens))

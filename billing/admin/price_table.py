"""The table of current prices on a plan's page. Saving adds to the history and never rewrites it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet

from billing.admin.exact_fields import ExactInput
from billing.admin.plan_prices import newest
from billing.models import PlanPrice
from billing.models.plan import MODEL_ID
from billing.plans.completeness import describe_missing, missing_classes, too_fine
from billing.plans.price_lists import meter_event_name, revise_price
from billing.tokens import TokenClass

MAX_EVENT_NAME = 100  # Stripe's limit on a meter's event name, which is made of the model's name

CLASS_ORDER = Case(*[When(token_class=item, then=Value(place)) for place, item in enumerate(TokenClass)])


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """One price. Only the amount of an existing price can be changed."""

    class Meta:
        model = PlanPrice
        fields = ["model", "token_class", "price_per_1k"]
        widgets = {"price_per_1k": ExactInput()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["model"].disabled = self.fields["token_class"].disabled = True
        else:
            self.fields["model"].validators.append(MODEL_ID)

    def clean_model(self) -> str:
        """Refuse a name too long to name a meter after."""
        model = str(self.cleaned_data["model"])
        longest = max(len(meter_event_name(model=model, token_class=item)) for item in TokenClass)
        if longest > MAX_EVENT_NAME:
            raise forms.ValidationError(f"{longest - MAX_EVENT_NAME} characters too long to name a Stripe meter after.")
        return model


class PriceFormSet(PaginationInlineFormSet):
    """A plan's current prices, complete for every model."""

    def clean(self) -> None:
        """Refuse a second price for the same tokens, and a model with prices for only some of its tokens."""
        super().clean()
        if any(self.errors):
            return
        priced = [
            (form.cleaned_data["model"], form.cleaned_data["token_class"])
            for form in self.forms
            if form.cleaned_data.get("model")
        ]
        problems = [
            f"There are two prices for {model}, {TokenClass(token_class).label}: change the one that is there."
            for model, token_class in sorted({pair for pair in priced if priced.count(pair) > 1})
        ]
        missing = missing_classes(priced=priced)
        problems += [describe_missing(model=model, classes=classes) for model, classes in missing.items()]
        if self.instance.by_spend:
            problems += too_fine(prices=[form.instance for form in self.forms if form.cleaned_data.get("model")])
        if problems:
            raise forms.ValidationError(problems)

    def save_existing(self, form: PriceForm, obj: PlanPrice, commit: bool = True) -> PlanPrice:
        """Save a changed amount as the domain does: a published price stays, and a new one follows it."""
        # Read again: publishing may have happened since the page was opened, and the form changed the one at hand.
        price = PlanPrice.objects.select_for_update().get(pk=obj.pk)
        amount: Decimal = form.cleaned_data["price_per_1k"]
        # Wall time, like every `valid_from`: billing time can be moved, and the order of prices must not.
        return revise_price(price=price, price_per_1k=amount, now=timezone.now())


class PriceInline(TabularInline):
    """The price of each token class of each model on a plan, as of the next publishing."""

    model = PlanPrice
    form = PriceForm
    formset = PriceFormSet
    fields = ["model", "token_class", "price_per_1k", "in_stripe", "valid_from"]
    readonly_fields = ["in_stripe", "valid_from"]
    extra = 0
    can_delete = False
    verbose_name = "price"
    verbose_name_plural = "current prices"
    hide_title = True
    template_before = "admin/billing/prices_note.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanPrice]:
        """Return the newest price of every model and class, in the order that classes have everywhere."""
        rows = newest(super().get_queryset(request)).select_related("plan")
        return rows.order_by("model", CLASS_ORDER)

    @display(description="In Stripe", boolean=True)
    def in_stripe(self, price: PlanPrice) -> bool | None:
        """Tell whether the price is published. The free trial's never is."""
        return bool(price.stripe_price_id) if price.pk and not price.plan.is_trial else None

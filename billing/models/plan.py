"""Plans, and their prices per model and token class."""

from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.models import Organization
from billing.money import EXACT, MAX_DECIMALS, ExactDecimalField, to_cents
from billing.tokens import TokenClass

CENTS_PER_1K_DOLLAR = Decimal("0.1")  # $1 per 1,000 tokens is 0.1 cents a token


MODEL_ID = RegexValidator(r"^[a-z0-9][a-z0-9.-]*$", "A model id has lower-case letters, digits, dots and hyphens only.")


class PlanQuerySet(models.QuerySet["Plan"]):
    """Chainable filters on plans."""

    def on_sale(self, *, organization_id: int | None = None) -> "PlanQuerySet":
        """Keep the plans that are offered to everybody, and those made for the organization, in the order of pages.

        The free trial is among them.
        """
        theirs = models.Q(made_for=None) | models.Q(made_for__isnull=False, made_for_id=organization_id)
        return self.filter(theirs, is_active=True).order_by("position", "id")

    def paid(self) -> "PlanQuerySet":
        """Leave out the free trial."""
        return self.filter(is_trial=False)


class Plan(models.Model):
    """A plan. The one trial plan costs nothing and is never sent to Stripe."""

    class Metering(models.TextChoices):
        """The way a plan's usage reaches Stripe: one meter for each model and token class, or one for its cost."""

        TOKENS = "tokens", "By tokens"
        SPEND = "spend", "By spend"

    code = models.SlugField(
        unique=True, validators=[RegexValidator(r"^[a-z0-9_]+$", "Lower-case letters, digits and _ only.")]
    )
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    base_price = ExactDecimalField(
        "base price, $ a month", max_digits=10, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(0)]
    )
    currency = models.CharField(max_length=3, default="usd", editable=False)
    is_trial = models.BooleanField("free trial", default=False)
    trial_requests = models.PositiveIntegerField(
        "free requests", default=0, help_text="Of the free trial; 0 on paid plans."
    )
    is_active = models.BooleanField("on sale", default=True)
    made_for = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="plans",
        help_text="The customer with whom its prices were negotiated. Nobody else is offered it.",
    )
    position = models.PositiveSmallIntegerField(default=0)
    requests_per_minute = models.PositiveIntegerField(default=0, help_text="0 is no limit.")
    input_tokens_per_minute = models.PositiveIntegerField(
        default=0, help_text="0 is no limit. Cache reads do not count."
    )
    output_tokens_per_minute = models.PositiveIntegerField(default=0, help_text="0 is no limit.")
    concurrent_requests = models.PositiveIntegerField("requests at once", default=0, help_text="0 is no limit.")
    metering = models.CharField(max_length=10, choices=Metering, default=Metering.TOKENS, db_default=Metering.TOKENS)
    stripe_product_id = models.CharField(max_length=255, blank=True, editable=False)
    stripe_base_price_id = models.CharField(max_length=255, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(app="billing")

    objects: ClassVar[models.Manager["Plan"]] = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["is_trial"], condition=models.Q(is_trial=True), name="one_trial_plan"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def by_spend(self) -> bool:
        """Whether one meter counts the cost of its usage."""
        return self.metering == self.Metering.SPEND

    @property
    def base_price_minor(self) -> int:
        """The monthly base in cents."""
        return int(to_cents(self.base_price))


class PlanPrice(models.Model):
    """The price of one token class of one model on a plan, from an instant on. Rows are added, never changed."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="prices")
    model = models.CharField(max_length=100, help_text="Claude's model id, for example claude-haiku-5-5.")
    token_class = models.CharField(max_length=20, choices=[(item.value, item.label) for item in TokenClass])
    price_per_1k = ExactDecimalField(
        "price, $ per 1,000 tokens", max_digits=20, decimal_places=11, validators=[MinValueValidator(0)]
    )
    valid_from = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since then the model is no longer offered on the plan."
    )
    stripe_price_id = models.CharField(max_length=255, blank=True, editable=False, db_index=True)
    history = HistoricalRecords(app="billing")

    class Meta:
        ordering = ["plan", "model", "token_class", "-valid_from", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "model", "token_class", "valid_from"], name="one_price_an_instant"),
        ]

    def __str__(self) -> str:
        label = TokenClass(self.token_class).label
        return f"{self.plan} · {self.model} · {label}: ${self.price_per_1k.normalize():f} per 1k"

    def clean(self) -> None:
        """Refuse a price finer than Stripe's 12 decimals of a cent per token."""
        if self.price_per_1k is not None and -int(self.per_token_minor.as_tuple().exponent) > MAX_DECIMALS:
            raise ValidationError(
                {"price_per_1k": "At most 11 decimals: Stripe takes 12 decimals of a cent per token."}
            )

    @property
    def per_token_minor(self) -> Decimal:
        """The price of one token in cents, exactly: $0.0013 per 1k is 0.00013."""
        return EXACT.multiply(Decimal(self.price_per_1k), CENTS_PER_1K_DOLLAR).normalize(EXACT)

"""Claude's own prices: the operator's cost of each token class of a model, and of Claude's own tools, from a day on."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from billing.models.plan import MODEL_ID
from billing.money import EXACT, ExactDecimalField, to_cents
from billing.tokens import TokenClass

MILLION = Decimal(1_000_000)
THOUSAND = Decimal(1000)


class ModelCost(models.Model):
    """One of Claude's prices as Anthropic states them: dollars for a million tokens, or for a thousand runs of a tool.

    A row counts from its UTC day until a later one of the same model and kind.
    """

    # As Claude's usage names it. Its other tools cost tokens alone (docs.anthropic.com, "pricing").
    WEB_SEARCH = "web_search_requests"
    KINDS = [*((item.value, f"{item.label} tokens") for item in TokenClass), (WEB_SEARCH, "Web searches")]

    model = models.CharField(max_length=100, validators=[MODEL_ID], help_text="Claude's model id.")
    kind = models.CharField("priced by", max_length=20, choices=KINDS)
    price = ExactDecimalField(
        "Claude's price, $",
        max_digits=14,
        decimal_places=6,
        validators=[MinValueValidator(0)],
        help_text="For a million tokens, or for a thousand web searches.",
    )
    valid_from = models.DateField(help_text="The UTC day from which it counts.")
    history = HistoricalRecords(app="billing")

    class Meta:
        verbose_name = "price of Claude's"
        verbose_name_plural = "prices of Claude's"
        ordering = ["model", "kind", "-valid_from", "-id"]
        permissions = [("view_numbers", "Can see revenue and margin")]
        constraints = [
            models.UniqueConstraint(fields=["model", "kind", "valid_from"], name="one_cost_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.model}, {self.get_kind_display().lower()}, from {self.valid_from}"

    @property
    def unit_minor(self) -> Decimal:
        """The cents of one token, or of one search."""
        return EXACT.divide(to_cents(self.price), THOUSAND if self.kind == self.WEB_SEARCH else MILLION)

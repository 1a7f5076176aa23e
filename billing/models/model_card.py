"""Facts about models that no price tells, for the catalogue."""

from django.core.validators import MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from billing.models.plan import MODEL_ID


class ModelCard(models.Model):
    """A model as the catalogue describes it. A model without a card is shown by its id and prices alone."""

    model = models.CharField(max_length=100, unique=True, validators=[MODEL_ID], help_text="Claude's model id.")
    name = models.CharField(max_length=100, help_text="As people know it, for example Claude Haiku 5.5.")
    purpose = models.CharField(max_length=300, blank=True, help_text="What it is for, in a sentence or two.")
    context_tokens = models.PositiveIntegerField(
        "context window, tokens", validators=[MinValueValidator(1)], help_text="Input and output of a request together."
    )
    most_output_tokens = models.PositiveIntegerField(
        "longest answer, tokens", validators=[MinValueValidator(1)], help_text="The largest max_tokens."
    )
    history = HistoricalRecords(app="billing")

    class Meta:
        ordering = ["model"]

    def __str__(self) -> str:
        return f"{self.name} ({self.model})"

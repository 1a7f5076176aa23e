"""Models that Claude retires: until when they are served, and what becomes of requests for them afterwards."""

from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from billing.models.plan import MODEL_ID


class ModelRetirement(models.Model):
    """The end of a model. Callers are warned until then; afterwards the error names the successor."""

    model = models.CharField(
        max_length=100, unique=True, validators=[MODEL_ID], help_text="Claude's model id, or another name for a model."
    )
    retires_at = models.DateTimeField("retires at", help_text="In UTC: from then on requests for it are not served.")
    successor = models.CharField(
        max_length=100, blank=True, validators=[MODEL_ID], help_text="The model to use instead."
    )
    leads_to_successor = models.BooleanField(
        "leads to its successor",
        default=False,
        help_text="Requests for it are served by the successor from then on, at the successor's prices. Else: refused.",
    )
    history = HistoricalRecords(app="billing")

    class Meta:
        ordering = ["retires_at", "id"]

    def __str__(self) -> str:
        return f"{self.model} retires on {self.retires_at:%-d %b %Y}"

    def clean(self) -> None:
        """Refuse a way to no successor, or to the model itself."""
        if self.leads_to_successor and not self.successor:
            raise ValidationError({"successor": "Name the model that serves the requests."})
        if self.successor == self.model:
            raise ValidationError({"successor": "A model cannot succeed itself."})

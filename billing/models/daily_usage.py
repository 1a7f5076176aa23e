"""Daily totals, which every page and file reads, so that all of them show one number."""

from django.db import models

from billing.models.posted_usage import PostedUsage

KEY = ["organization", "day", "period_starts_at", "plan", "priced_at", "model", "trial"]


class DailyUsage(PostedUsage):
    """Posted usage of one UTC day."""

    day = models.DateField(help_text="In UTC.")

    class Meta:
        verbose_name_plural = "daily usage"
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(fields=[*KEY, "api_key"], name="one_total_a_day"),
            models.UniqueConstraint(
                fields=KEY, condition=models.Q(api_key__isnull=True), name="one_keyless_total_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.day}, {self.model}"

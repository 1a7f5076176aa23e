"""Daily totals, which every page and file reads, so that all of them show one number."""

from django.db import models

from billing.models.posted_usage import PostedUsage, one_total

KEY = ["organization", "day", "period_starts_at", "plan", "priced_at", "model", "trial"]


class DailyUsage(PostedUsage):
    """Posted usage of one UTC day."""

    day = models.DateField(help_text="In UTC.")

    class Meta:
        verbose_name_plural = "daily usage"
        ordering = ["-day", "-id"]
        constraints = [
            one_total(*KEY, name="one_total_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.day}, {self.model}"

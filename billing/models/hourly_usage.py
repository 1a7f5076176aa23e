"""Hourly totals: the daily ones split by hour, for reports within a day."""

from datetime import date

from django.db import models

from billing.models.posted_usage import PostedUsage, one_total

KEY = ["organization", "hour", "period_starts_at", "plan", "priced_at", "model", "trial"]


class HourlyUsage(PostedUsage):
    """Posted usage of one UTC hour. The hours of a day add up to its DailyUsage: one transaction writes both."""

    hour = models.DateTimeField(help_text="Its first instant, in UTC.")

    class Meta:
        verbose_name_plural = "hourly usage"
        ordering = ["-hour", "-id"]
        constraints = [
            one_total(*KEY, name="one_total_of_an_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.hour:%Y-%m-%d %H:00}, {self.model}"

    @property
    def day(self) -> date:
        """The UTC day it belongs to."""
        return self.hour.date()

"""Usage: what was used, told apart as somebody asks, in numbers equal to the bill's."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import Amount, StrictSerializer
from billing.api.base import BillingView, PeriodOut
from billing.api.csv_table import CsvRenderer
from billing.models import DailyUsage
from billing.periods import Period
from billing.tokens import TOKEN_COLUMNS
from billing.usage import UsageTotals
from billing.usage_report import Dimension, Group, usage_of_days, usage_of_period, usage_report

MOST_DAYS = 400


class UsageQuery(StrictSerializer):
    """Which usage, and what to tell it apart by."""

    group_by = serializers.CharField(
        default=Dimension.MODEL.value, help_text="Any of `day`, `model`, `key` and `member`, with commas between them."
    )
    starts_on = serializers.DateField(
        required=False, help_text="The first UTC day. Without days: the current billing period."
    )
    ends_on = serializers.DateField(required=False, help_text=f"The day after the last, {MOST_DAYS} days on at most.")

    def validate_group_by(self, value: str) -> list[Dimension]:
        """Return the dimensions."""
        try:
            return [Dimension(word.strip()) for word in value.split(",")]
        except ValueError as error:
            raise serializers.ValidationError("Send any of day, model, key and member, as `day,model`.") from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse half a range, an empty one, and one that is too long."""
        days = [attrs[name] for name in ("starts_on", "ends_on") if name in attrs]
        if len(days) == 1:
            raise serializers.ValidationError("Send starts_on and ends_on together, or neither.")
        if days and not timedelta(0) < days[1] - days[0] <= timedelta(days=MOST_DAYS):
            raise serializers.ValidationError(f"ends_on must be 1 to {MOST_DAYS} days after starts_on.")
        return attrs


class UsageCounts(serializers.Serializer[Any]):
    """What was used."""

    requests = serializers.IntegerField(help_text="All, also those that failed.")
    failed_requests = serializers.IntegerField(help_text="Those that failed or were cut off, which cost nothing.")
    input_tokens = serializers.IntegerField(help_text="Without those written to or read from the cache.")
    cache_write_5m_tokens = serializers.IntegerField()
    cache_write_1h_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField(help_text="With thinking.")
    exact_minor = Amount(help_text="In cents, exactly.")


class UsageRow(UsageCounts):
    """What was used of one group. What `group_by` leaves out is null; so is the key of requests made without one."""

    day = serializers.DateField(allow_null=True, help_text="A UTC day.")
    model = serializers.CharField(allow_null=True)
    key_id = serializers.IntegerField(allow_null=True)
    key_name = serializers.CharField(allow_null=True)
    member_email = serializers.EmailField(allow_null=True, help_text="Who made the key.")


class UsageOut(serializers.Serializer[Any]):
    """A report."""

    range = PeriodOut()
    group_by = serializers.ListField(child=serializers.ChoiceField(choices=[item.value for item in Dimension]))
    currency = serializers.CharField()
    data = UsageRow(  # type: ignore[assignment]  # the metaclass takes it off the class, so `.data` stays
        many=True, help_text="Sorted by day, model, key and member."
    )
    total = UsageCounts()


class UsageView(BillingView):
    """Usage."""

    renderer_classes = [JSONRenderer, CsvRenderer]
    csv_columns = [
        "day",
        "model",
        "key_id",
        "key_name",
        "member_email",
        "requests",
        "failed_requests",
        *TOKEN_COLUMNS,
        "exact_minor",
    ]

    @extend_schema(operation_id="get_usage", summary="Report usage", parameters=[UsageQuery], responses=UsageOut)
    def get(self, request: Request) -> Response:
        """Return what was used in the current billing period, or on given days, as JSON or CSV.

        The total of a period is that of its bill's usage lines, to the last decimal. Usage is in within seconds.
        """
        query = self.query(UsageQuery)
        covered, usage = self._usage(query.get("starts_on"), query.get("ends_on"))
        report = usage_report(usage=usage, group_by=query["group_by"])
        body = {
            "range": covered,
            "group_by": query["group_by"],
            "currency": self.account.plan.currency,
            "data": [_row(group, totals) for group, totals in report.rows],
            "total": _counts(report.total),
        }
        return Response(UsageOut(body).data)

    def _usage(self, starts_on: date | None, ends_on: date | None) -> tuple[Period, QuerySet[DailyUsage]]:
        if starts_on is None or ends_on is None:
            period = self.account.period
            return period, usage_of_period(organization_id=self.organization_id, period=period)
        days = usage_of_days(organization_id=self.organization_id, starts_on=starts_on, ends_on=ends_on)
        return Period(starts_at=_midnight(starts_on), ends_at=_midnight(ends_on)), days


def _row(group: Group, totals: UsageTotals) -> dict[str, Any]:
    return {
        "day": group.day,
        "model": group.model,
        "key_id": group.key_id,
        "key_name": group.key_name,
        "member_email": group.member_email,
        **_counts(totals),
    }


def _counts(totals: UsageTotals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "failed_requests": totals.failed_requests,
        **{name: getattr(totals.usage, name) for name in TOKEN_COLUMNS},
        "exact_minor": totals.cost_minor,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)

"""Usage in groups of the caller's choice, with numbers equal to the bill's."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, PeriodOut, TokenCounts
from billing.periods import Period, hour_of
from billing.tokens import TOKEN_COLUMNS
from billing.usage.by_project import HELP, in_project
from billing.usage.report import Dimension, Group, Rows, usage_of_period, usage_report, usage_within
from billing.usage.totals import UsageTotals
from common.rest.csv_table import CsvRenderer
from common.rest.fields import Amount, Instant, StrictSerializer, Text

MOST_DAYS = 400
MOST_HOURS = 31 * 24
WORDS = ", ".join(f"`{item}`" for item in Dimension)
RANGES = {"starts_on": timedelta(days=MOST_DAYS), "starts_at": timedelta(hours=MOST_HOURS)}


class WholeHour(Instant):
    """The first instant of a UTC hour."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the instant. Raises ValidationError within an hour."""
        instant = super().to_internal_value(value).astimezone(UTC)
        if instant != hour_of(instant):
            raise serializers.ValidationError('Send a whole hour of UTC, for example "2026-11-01T15:00:00Z".')
        return instant


class UsageQuery(StrictSerializer):
    """The range, and the groups."""

    group_by = serializers.CharField(
        default=Dimension.MODEL.value, help_text=f"Any of {WORDS}, with commas between them."
    )
    project = Text(max_length=64, required=False, help_text=HELP)
    starts_on = serializers.DateField(
        required=False, help_text="The first UTC day. Without days or hours: the current billing period."
    )
    ends_on = serializers.DateField(required=False, help_text=f"The day after the last, {MOST_DAYS} days on at most.")
    starts_at = WholeHour(required=False, help_text="Instead of days: the first hour.")
    ends_at = WholeHour(required=False, help_text=f"The hour after the last, {MOST_HOURS} hours on at most.")

    def validate_group_by(self, value: str) -> list[Dimension]:
        """Return the dimensions."""
        try:
            return [Dimension(word.strip()) for word in value.split(",")]
        except ValueError as error:
            raise serializers.ValidationError(f"Send any of {WORDS}, as `day,model`.") from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse half a range, two of them, an empty one, and one that is too long."""
        given = [name for name in ("starts_on", "ends_on", "starts_at", "ends_at") if name in attrs]
        if not given:
            return attrs
        if given not in (["starts_on", "ends_on"], ["starts_at", "ends_at"]):
            raise serializers.ValidationError("Send starts_on and ends_on, or starts_at and ends_at, or none of them.")
        first, end = given
        longest = RANGES["starts_at"] if Dimension.HOUR in attrs["group_by"] else RANGES[first]
        if not timedelta(0) < attrs[end] - attrs[first] <= longest:
            raise serializers.ValidationError(f"{end} must be after {first}, by at most {longest.days} days here.")
        return attrs


class UsageCounts(TokenCounts):
    """The counts of usage."""

    requests = serializers.IntegerField(help_text="All, also those that failed.")
    failed_requests = serializers.IntegerField(help_text="Those that failed or were cut off, which cost nothing.")
    exact_minor = Amount(help_text="In cents, exactly.")


class UsageRow(UsageCounts):
    """The usage of one group. Fields that `group_by` leaves out are null, as are key and project of requests
    without one.
    """

    hour = Instant(allow_null=True, help_text="The first instant of a UTC hour.")
    day = serializers.DateField(allow_null=True, help_text="A UTC day.")
    model = serializers.CharField(allow_null=True)
    key_id = serializers.IntegerField(allow_null=True)
    key_name = serializers.CharField(allow_null=True)
    member_email = serializers.EmailField(allow_null=True, help_text="The maker of the key.")
    project = serializers.CharField(allow_null=True)


class UsageOut(serializers.Serializer[Any]):
    """A report."""

    range = PeriodOut()
    group_by = serializers.ListField(child=serializers.ChoiceField(choices=[item.value for item in Dimension]))
    currency = serializers.CharField()
    data = UsageRow(  # type: ignore[assignment]  # the metaclass takes it off the class, so `.data` stays
        many=True, help_text="Sorted by hour, day, model, key, member and project."
    )
    total = UsageCounts()


class UsageView(BillingView):
    """Usage."""

    renderer_classes = [JSONRenderer, CsvRenderer]
    csv_columns = [
        "hour",
        "day",
        "model",
        "key_id",
        "key_name",
        "member_email",
        "project",
        "requests",
        "failed_requests",
        *TOKEN_COLUMNS,
        "exact_minor",
    ]

    @extend_schema(operation_id="get_usage", summary="Report usage", parameters=[UsageQuery], responses=UsageOut)
    def get(self, request: Request) -> Response:
        """Return the usage of the current billing period, or of given days or hours, as JSON or CSV.

        The total of a period is that of its bill's usage lines, to the last decimal. Usage is in within seconds.
        """
        query = self.query(UsageQuery)
        covered, usage = self._usage(query)
        report = usage_report(usage=usage.filter(**in_project(query.get("project"))), group_by=query["group_by"])
        body = {
            "range": covered,
            "group_by": query["group_by"],
            "currency": self.account.plan.currency,
            "data": [_row(group, totals) for group, totals in report.rows],
            "total": _counts(report.total),
        }
        return Response(UsageOut(body).data)

    def _usage(self, query: dict[str, Any]) -> tuple[Period, Rows]:
        by_hour = Dimension.HOUR in query["group_by"] or "starts_at" in query
        covered = _range(query)
        if covered is None:
            period = self.account.period
            return period, usage_of_period(organization_id=self.organization_id, period=period, by_hour=by_hour)
        return covered, usage_within(organization_id=self.organization_id, covered=covered, by_hour=by_hour)


def _range(query: dict[str, Any]) -> Period | None:
    if "starts_at" in query:
        return Period(starts_at=query["starts_at"], ends_at=query["ends_at"])
    if "starts_on" in query:
        starts_at, ends_at = (datetime.combine(query[name], time(), tzinfo=UTC) for name in ("starts_on", "ends_on"))
        return Period(starts_at=starts_at, ends_at=ends_at)
    return None


def _row(group: Group, totals: UsageTotals) -> dict[str, Any]:
    return {
        "hour": group.hour,
        "day": group.day,
        "model": group.model,
        "key_id": group.key_id,
        "key_name": group.key_name,
        "member_email": group.member_email,
        "project": group.project,
        **_counts(totals),
    }


def _counts(totals: UsageTotals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "failed_requests": totals.failed_requests,
        **{name: getattr(totals.usage, name) for name in TOKEN_COLUMNS},
        "exact_minor": totals.cost_minor,
    }

"""Alerts about spending caps: their thresholds, and the alerts that were sent."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView
from billing.caps.alerts import alerts_of
from billing.caps.thresholds import MOST_THRESHOLDS, percents_of, set_percents
from common.rest.fields import Amount, Instant, StrictSerializer

MOST_SHOWN = 100


class Percent(serializers.IntegerField):
    """A whole percent of a cap."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=100, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the number; text and true are none. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class AlertThresholdsChange(StrictSerializer):
    """The thresholds to set."""

    percents = serializers.ListField(
        child=Percent(),
        max_length=MOST_THRESHOLDS,
        help_text="Of the organization's cap and of each key's and project's: `[50, 80, 100]`; empty for no alerts.",
    )


class RaisedAlert(serializers.Serializer[Any]):
    """An alert. Owners and admins are mailed once in a period for each share of a cap; a changed cap is another cap."""

    percent = serializers.IntegerField()
    key_id = serializers.IntegerField(
        source="api_key_id", allow_null=True, help_text="The key whose cap it is; null where it is not a key's."
    )
    key_name = serializers.CharField(source="api_key.name", default=None, allow_null=True)
    project_id = serializers.IntegerField(
        allow_null=True, help_text="The project whose cap it is; null, as the key, for the organization's own cap."
    )
    project_name = serializers.CharField(source="project.name", default=None, allow_null=True)
    cap_minor = Amount(help_text="The cap, in cents.")
    spent_minor = Amount(help_text="The part of it spent by then, in exact cents.")
    raised_at = Instant(help_text="When the share was found to be used.")


class AlertsOut(serializers.Serializer[Any]):
    """The thresholds, and the alerts of this billing period."""

    percents = serializers.ListField(child=serializers.IntegerField(), help_text="Ascending; empty for no alerts.")
    raised = RaisedAlert(many=True, help_text=f"The newest first, {MOST_SHOWN} at most.")


class AlertsView(BillingView):
    """Alerts about spending caps."""

    @extend_schema(operation_id="get_alerts", summary="Look at the alerts of spending caps", responses=AlertsOut)
    def get(self, request: Request) -> Response:
        """Return at which shares of a cap owners and admins are mailed, and which mails this period saw."""
        raised = alerts_of(organization_id=self.organization_id, since=self.account.spending_starts_at)
        percents = percents_of(self.account.organization)
        return Response(AlertsOut({"percents": percents, "raised": raised[:MOST_SHOWN]}).data)

    @extend_schema(
        operation_id="set_alerts",
        summary="Choose when to be alerted",
        request=AlertThresholdsChange,
        responses=AlertsOut,
    )
    def put(self, request: Request) -> Response:
        """Choose the shares of a cap at which owners and admins are mailed. Caps are looked at twice a minute."""
        set_percents(organization_id=self.organization_id, percents=self.body(AlertThresholdsChange)["percents"])
        return self.get(request)

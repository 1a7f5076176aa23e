"""Changing the subscription: switching its plan, ending it, and taking the end back."""

from enum import StrEnum
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, LineOut
from billing.api.subscription import PlanChoice, StandingView, SubscriptionOut
from billing.subscriptions.plan_changes import cancel_later, cancel_now, change_plan, preview_plan, resume
from billing.subscriptions.planned_switches import forget_planned_switch, plan_switch
from common.rest.fields import Amount, Instant, StrictSerializer


class When(StrEnum):
    """The end of a subscription: with its period, or now."""

    PERIOD_END = "period_end"
    NOW = "now"


class Begin(StrEnum):
    """The beginning of another plan: now, or with the next period."""

    NOW = "now"
    RENEWAL = "renewal"


class PreviewOut(serializers.Serializer[Any]):
    """The invoice that the change would make."""

    at = Instant(
        help_text="The instant from which the base is prorated. Send it with the change, to be charged the same."
    )
    currency = serializers.CharField()
    lines = LineOut(many=True, help_text="Usage so far at its old price; unused time as credit; time to come.")
    total_minor = Amount(help_text="In whole cents; negative is credit, kept for the next invoice.")


class PlanChange(PlanChoice):
    """The plan to change to."""

    at = Instant(required=False, help_text="A preview's, to be charged what it told. Else: now.")
    when = serializers.ChoiceField(
        choices=[item.value for item in Begin],
        default=Begin.NOW.value,
        help_text="`renewal` charges nothing now: the plan changes once the running period is invoiced.",
    )


class Cancellation(StrictSerializer):
    """The end to set."""

    at = serializers.ChoiceField(
        choices=[item.value for item in When],
        default=When.PERIOD_END.value,
        help_text="`now` bills the usage so far at once, and gives nothing of the base back.",
    )


class PreviewView(BillingView):
    """The preview of a switch."""

    @extend_schema(
        operation_id="preview_change",
        summary="Preview a change of plan",
        request=PlanChoice,
        responses={200: PreviewOut, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Return the invoice that a switch to a plan would make now, as Stripe calculates it. Nothing changes."""
        plan = self.body(PlanChoice)["plan"]
        return Response(PreviewOut(preview_plan(account=self.account, plan=plan, now=self.now)).data)


class ChangeView(StandingView):
    """Changing the plan."""

    @extend_schema(
        operation_id="change_plan",
        summary="Change the plan",
        request=PlanChange,
        responses={200: SubscriptionOut, 402: None, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Switch to a plan at once and charge the difference, or with the next period.

        At once: if the card is declined, nothing changes.

        Usage so far is billed at the old plan's prices. Models that the new plan lacks are refused from then on.
        """
        wanted = self.body(PlanChange)
        if wanted["when"] == Begin.RENEWAL:
            plan_switch(account=self.account, plan=wanted["plan"])
        else:
            change_plan(account=self.account, plan=wanted["plan"], now=self.now, at=wanted.get("at"))
        return self.standing()


class CancellationView(StandingView):
    """Ending the subscription."""

    @extend_schema(
        operation_id="cancel_subscription",
        summary="Cancel the subscription",
        request=Cancellation,
        responses={200: SubscriptionOut, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """End the subscription with its period, which can be taken back until then, or end it now."""
        if self.body(Cancellation)["at"] == When.NOW:
            cancel_now(account=self.account, now=self.now)
        else:
            cancel_later(account=self.account)
        return self.standing()


class ResumptionView(StandingView):
    """Taking a cancellation back."""

    @extend_schema(
        operation_id="resume_subscription",
        summary="Take a cancellation back",
        request=None,
        responses={200: SubscriptionOut, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Take back the planned end of a subscription, or else a switch that was planned for its renewal."""
        if self.account.cancel_at is not None or not forget_planned_switch(account=self.account):
            resume(account=self.account)
        return self.standing()

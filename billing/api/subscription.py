"""The subscription: its state, and beginning one."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, PeriodOut
from billing.models import BillingAccount, Plan
from billing.subscriptions.planned_switches import planned_switch_of
from billing.subscriptions.standing import standing_of
from billing.subscriptions.subscribing import subscribe
from common.rest.fields import Instant, StrictSerializer, Text

STATUSES = BillingAccount.Status.choices


class TrialOut(serializers.Serializer[Any]):
    """The free requests."""

    requests = serializers.IntegerField(help_text="In all.")
    remaining = serializers.IntegerField()


class SubscriptionOut(serializers.Serializer[Any]):
    """The plan, status and period of the organization."""

    plan = serializers.CharField(help_text="The plan's code.")
    plan_name = serializers.CharField()
    status = serializers.ChoiceField(
        choices=STATUSES,
        help_text="`past_due` still calls Claude while Stripe tries to collect; `suspended` and `disputed` do not.",
    )
    subscription_id = serializers.CharField(allow_null=True, help_text="Stripe's; null on the free trial.")
    stripe_status = serializers.CharField(allow_null=True, help_text="The same status in Stripe's words.")
    period = PeriodOut()
    cancel_at = Instant(allow_null=True, help_text="When it ends, where it has been canceled.")
    next_plan = serializers.CharField(
        allow_null=True, help_text="The plan's code, where a switch waits for the renewal."
    )
    trial = TrialOut(allow_null=True, help_text="Null on paid plans.")


class PlanChoice(StrictSerializer):
    """The plan to subscribe or to change to."""

    plan = Text(max_length=50, help_text="The code of a paid plan: see the list of plans.")

    def validate_plan(self, code: str) -> Plan:
        """Return the plan itself. Raises ValidationError."""
        offered = Plan.objects.on_sale(organization_id=self.context["organization_id"]).paid()
        plan = offered.filter(code=code).first()
        if plan is None:
            raise serializers.ValidationError(f"No plan {code!r} is on sale.")
        return plan


class PendingOut(serializers.Serializer[Any]):
    """A subscription that waits for its first payment."""

    subscription_id = serializers.CharField(help_text="Stripe's.")
    client_secret = serializers.CharField(help_text="The secret by which the customer's browser pays, with Stripe.js.")


class StandingView(BillingView):
    """The base of endpoints that answer with the state of the subscription."""

    def standing(self) -> Response:
        """Return the stored state of the subscription."""
        self.__dict__.pop("account", None)
        account, standing = self.account, standing_of(account=self.account, now=self.now)
        planned = planned_switch_of(account)
        trial = {"requests": standing.trial_requests, "remaining": standing.trial_remaining}
        body = {
            "plan": standing.plan_code,
            "plan_name": standing.plan_name,
            "status": account.status,
            "subscription_id": account.stripe_subscription_id or None,
            "stripe_status": account.stripe_status or None,
            "period": standing.period,
            "cancel_at": standing.ends_at,
            "next_plan": planned.plan.code if planned else None,
            "trial": trial if standing.is_trial else None,
        }
        return Response(SubscriptionOut(body).data)


class SubscriptionView(StandingView):
    """The subscription."""

    @extend_schema(operation_id="get_subscription", summary="Look at the subscription", responses=SubscriptionOut)
    def get(self, request: Request) -> Response:
        """Return the plan, its status and its period."""
        return self.standing()

    @extend_schema(
        operation_id="subscribe",
        summary="Subscribe to a plan",
        request=PlanChoice,
        responses={201: PendingOut, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Make a subscription that begins with its first payment.

        Pay with Stripe.js: `stripe.confirmCardPayment(client_secret)`, or the Payment Element. The card is kept for the
        invoices to come. Asking again for the same plan returns the same subscription; for another plan, one in its
        place. Stripe waits for 23 hours.
        """
        pending = subscribe(account=self.account, plan=self.body(PlanChoice)["plan"])
        return Response(PendingOut(pending).data, status=201)

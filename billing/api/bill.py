"""The current bill: the invoice to come, so far."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, LineOut, PeriodOut
from billing.bills.current import current_bill
from billing.bills.forecast import forecast_of
from common.rest.fields import Amount


class BillLineOut(LineOut):
    """One line of the bill, with the price of one of its units."""

    unit_minor = Amount(help_text="The price of one unit of `quantity` in cents.")


class DiscountOut(serializers.Serializer[Any]):
    """A discount or a tax, as the bill and the invoice name it."""

    name = serializers.CharField()
    amount_minor = Amount(help_text="What it takes off or puts on, in whole cents.")


class ForecastOut(serializers.Serializer[Any]):
    """What Stripe may take at the end of the period."""

    likely_minor = Amount(help_text="If the days to come are like the average whole day so far.")
    low_minor = Amount(help_text="If they are like its quieter half of days.")
    high_minor = Amount(help_text="If they are like its busier half of days.")
    days = serializers.IntegerField(help_text="The whole UTC days that it is told from.")


class BillOut(serializers.Serializer[Any]):
    """The invoice that closes the current period, as it would be now."""

    period = PeriodOut()
    currency = serializers.CharField()
    lines = BillLineOut(many=True, help_text="Usage of this period, and the base of the next one, in advance.")
    exact_minor = Amount(help_text="The sum of the lines in cents, exactly.")
    lines_minor = Amount(help_text="The sum of the rounded lines.")
    discounts = DiscountOut(many=True, help_text="What each takes off, in the order in which Stripe does it.")
    credits_minor = Amount(help_text="Billing credits that Stripe will spend on usage.")
    taxes = DiscountOut(many=True, help_text="What each puts on top, after discounts and credits.")
    balance_minor = Amount(help_text="The customer's balance: negative in your favour, positive where it is owed.")
    charged_minor = Amount(
        help_text="Stripe will charge it: lines less discounts and credits, with tax and the balance; 0 under 50 cents."
    )

    forecast = ForecastOut(allow_null=True, help_text="Null before two whole days, and without usage.")


class BillView(BillingView):
    """The current bill."""

    @extend_schema(operation_id="get_bill", summary="Look at the current bill", responses=BillOut)
    def get(self, request: Request) -> Response:
        """Return the bill so far. Usage is on it within seconds; free requests are on no bill."""
        bill = current_bill(account=self.account, now=self.now)
        charge: dict[str, Any] = {
            name: getattr(bill.charge, name) for name in ("lines_minor", "credits_minor", "balance_minor")
        }
        charge["discounts"] = [{"name": label, "amount_minor": off} for label, off in bill.charge.discounts]
        charge["taxes"] = [{"name": label, "amount_minor": tax} for label, tax in bill.charge.taxes]
        names = ("period", "lines", "exact_minor", "charged_minor")
        charge["forecast"] = forecast_of(bill, account=self.account, now=self.now)
        fields = {name: getattr(bill, name) for name in names} | charge
        return Response(BillOut({**fields, "currency": self.account.plan.currency}).data)

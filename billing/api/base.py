"""The base of billing endpoints: the account, and the shapes of money and periods."""

from datetime import datetime
from functools import cached_property
from typing import Any

from rest_framework import serializers

from accounts.api.base import ManagementView
from billing.models import BillingAccount
from billing.tokens import TokenClass, column_of
from common import clock
from common.rest.fields import Amount, Instant

_COUNT_HELP = {
    TokenClass.INPUT: "Without those written to or read from the cache.",
    TokenClass.OUTPUT: "With thinking.",
}


class BillingView(ManagementView):
    """An endpoint that reads or changes the caller's billing account."""

    @cached_property
    def now(self) -> datetime:
        """The billing time of this request."""
        return clock.now()

    @cached_property
    def account(self) -> BillingAccount:
        """The organization's account, in the period that holds `now`."""
        account = BillingAccount.objects.select_related("plan", "organization").get(
            organization_id=self.organization_id
        )
        account.enter_period(now=self.now)
        return account


class PeriodOut(serializers.Serializer[Any]):
    """A half-open billing period."""

    starts_at = Instant(help_text="In it.")
    ends_at = Instant(help_text="Not in it: the next period's first instant.")


class PartOut(serializers.Serializer[Any]):
    """Tokens that a line of a plan metered by spend bills. They are not rounded by themselves."""

    description = serializers.CharField()
    detail = serializers.CharField(help_text="The model.")
    quantity = Amount(help_text="Tokens.")
    unit_minor = Amount(help_text="The price of one token in cents.")
    exact_minor = Amount(help_text="In cents, exactly.")


class LineOut(serializers.Serializer[Any]):
    """One line of a bill or an invoice. Stripe rounds each line to whole cents, and then adds."""

    description = serializers.CharField()
    detail = serializers.CharField(help_text="The model, or the days that a base price pays for.")
    quantity = Amount(help_text="Tokens, months of a base price, or of a plan by spend 10^-7 cents.")
    exact_minor = Amount(help_text="In cents, exactly.")
    charged_minor = Amount(help_text="In whole cents, as Stripe charges it.")
    parts = PartOut(many=True, help_text="The tokens of a plan by spend, by model, class and price; else empty.")


class TokenCounts(serializers.Serializer[Any]):
    """The base of answers that count tokens: a field for every class."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields that are declared, and the counts."""
        counts = {
            column_of(each): serializers.IntegerField(help_text=_COUNT_HELP.get(each, f"{each.label}."))
            for each in TokenClass
        }
        return {**super().get_fields(), **counts}

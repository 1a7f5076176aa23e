"""The spending cap of the organization."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, PeriodOut
from billing.caps.caps import CapBalance, cap_balance, set_cap
from common.rest.fields import Amount, StrictSerializer


class CapOut(serializers.Serializer[Any]):
    """The cap, and how much of it is used. Usage counts, base prices do not."""

    cap_minor = Amount(allow_null=True, help_text="In cents a billing period; null for no cap.")
    spent_minor = Amount(help_text="In cents, exactly, since the period began.")
    held_minor = Amount(help_text="The most that running requests may still cost.")
    left_minor = Amount(allow_null=True, help_text="The rest of the cap; null without one.")
    period = PeriodOut()


class CapChange(StrictSerializer):
    """The cap to set."""

    cap_minor = Amount(
        allow_null=True, help_text='In cents a billing period, for example "5000" for $50; null lifts it.'
    )


class CapView(BillingView):
    """The spending cap."""

    @extend_schema(operation_id="get_cap", summary="Look at the spending cap", responses=CapOut)
    def get(self, request: Request) -> Response:
        """Return the cap, the amount spent, and the amount that running requests hold."""
        balance = cap_balance(account=self.account, now=self.now)
        return Response(CapOut({**_fields(balance), "period": self.account.period}).data)

    @extend_schema(operation_id="set_cap", summary="Set the spending cap", request=CapChange, responses=CapOut)
    def put(self, request: Request) -> Response:
        """Set the cap, or lift it. It holds for every request that begins from now on, however many run at once."""
        set_cap(organization_id=self.organization_id, cap_minor=self.body(CapChange)["cap_minor"])
        return self.get(request)


def _fields(balance: CapBalance) -> dict[str, Any]:
    return {name: getattr(balance, name) for name in ("cap_minor", "spent_minor", "held_minor", "left_minor")}

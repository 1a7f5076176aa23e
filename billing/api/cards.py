"""The card that pays, and paying what is owed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView
from billing.subscriptions.cards import card_of, pay_what_is_owed, start_card_change


class CardOut(serializers.Serializer[Any]):
    """The payment method that invoices are charged to."""

    brand = serializers.CharField(help_text="`Visa`, or the kind of a payment method that is no card.")
    last_four = serializers.CharField()
    expires = serializers.CharField(help_text="Month and year: `12/2034`.")
    is_expired = serializers.BooleanField()


class CardAnswer(serializers.Serializer[Any]):
    """The card, if there is one."""

    card = CardOut(allow_null=True)


class CardPage(serializers.Serializer[Any]):
    """The page that takes a card."""

    url = serializers.CharField(help_text="Stripe's. Lead the customer there; it works for a day.")


class PaymentOut(serializers.Serializer[Any]):
    """The outcome of paying open invoices."""

    paid = serializers.IntegerField(help_text="Invoices paid now.")
    confirm_url = serializers.CharField(help_text="Stripe's page where the customer confirms; empty if all is paid.")


class CardView(BillingView):
    """The card."""

    @extend_schema(operation_id="get_card", summary="Look at the card", responses=CardAnswer)
    def get(self, request: Request) -> Response:
        """Return the card that the next invoice is charged to, as Stripe last told it."""
        return Response(CardAnswer({"card": card_of(self.account, now=self.now)}).data)

    @extend_schema(
        operation_id="change_card",
        summary="Change the card",
        request=None,
        responses={201: CardPage, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Return the address of Stripe's page that saves a card, which pays from then on."""
        return Response(CardPage({"url": start_card_change(account=self.account)}).data, status=201)


class PaymentView(BillingView):
    """Paying what is owed."""

    @extend_schema(
        operation_id="pay_open_invoices",
        summary="Pay open invoices",
        request=None,
        responses={200: PaymentOut, 402: None, 409: None, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Charge the card for every open invoice, the oldest first. If it is declined, the answer is 402."""
        return Response(PaymentOut(pay_what_is_owed(account=self.account)).data)

"""Telling a customer why a change of their subscription was not made."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest

from billing.metering.flush import UsageNotSent
from billing.plans.versions import PlanNotPublished
from billing.public_words import public_words
from billing.stripe_billing.client import PaymentDeclined, StripeRejected, StripeUnavailable
from billing.subscriptions.cards import NothingOwed
from billing.subscriptions.changing import ChangeUnderway, SubscriptionChanged
from billing.subscriptions.checkout import AlreadySubscribed, OrganizationClosed
from billing.subscriptions.plan_changes import NothingToChange, NotSubscribed

logger = logging.getLogger(__name__)

# The account is another than the page showed: the message tells what is now true.
OTHERWISE = (
    AlreadySubscribed,
    ChangeUnderway,
    NothingOwed,
    NothingToChange,
    NotSubscribed,
    OrganizationClosed,
    SubscriptionChanged,
)
FAILURES = (PlanNotPublished, StripeRejected, StripeUnavailable, UsageNotSent)


@contextmanager
def told(
    request: HttpRequest, *, declined: str = "Nothing was changed: change the card, and try again."
) -> Iterator[None]:
    """Turn the errors of changing a subscription into a message for the next page. `declined` follows the bank's."""
    try:
        yield
    except OTHERWISE as error:
        messages.info(request, str(error))
    except PaymentDeclined as error:
        messages.error(request, f"{error} {declined}")
    except FAILURES as error:
        logger.error("a subscription could not be changed", extra={"error": str(error)})
        messages.error(request, public_words(error))

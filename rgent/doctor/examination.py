"""All of the doctor's looks, one after another: none keeps the others from being made."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from django.db import DatabaseError

from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from chat.claude import ClaudeError
from rgent.doctor import own, vendors
from rgent.doctor.findings import Finding, wrong

STRIPE_HELP = "Look at STRIPE_SECRET_KEY, and whether a restricted key has the rights of docs/billing.md."


def examine(*, fix: bool) -> Iterator[Finding]:
    """Yield what is found. With `fix` the webhook endpoint at Stripe is made or mended."""
    looks: Iterable[tuple[str, Callable[[], Iterator[Finding]]]] = (
        ("settings", own.mode),
        ("database", own.database),
        ("broker", own.broker),
        ("staff", own.staff),
        ("mail", own.mail),
        ("proxy", own.way_in),
        ("Stripe", vendors.account),
        ("webhooks", partial(vendors.webhooks, fix=fix)),
        ("tax", vendors.tax),
        ("grace", vendors.grace),
        ("clock", own.clock),
        ("plans", vendors.plans),
        ("Claude", vendors.models),
    )
    for subject, find in looks:
        try:
            yield from find()
        except (StripeUnavailable, StripeRejected) as error:
            yield wrong(subject, f"Stripe answers: {error} {STRIPE_HELP}")
        except ClaudeError as error:
            yield wrong(subject, f"Claude answers: {error} Look at ANTHROPIC_API_KEY and its models.")
        except DatabaseError as error:
            yield wrong(subject, f"The database answers: {type(error).__name__}.")

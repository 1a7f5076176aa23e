"""Notices of a plan that began, was switched, is going to end, or has ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.mail.notices import Kind, tell
from billing.mail.words import time_of
from billing.models import BillingAccount, Plan
from common.letters import Letter, Link


def tell_of_plan(account: BillingAccount, *, before: Plan, cancel_at_before: datetime | None) -> None:
    """Have an organization told how its subscription differs from `before`, in the caller's transaction.

    The account is as it is now. Nothing is told where its plan and planned end are the same.
    """
    subscription, at = account.stripe_subscription_id, account.period_starts_at
    facts = {"before": before.name, "after": account.plan.name, "at": time_of(at)}
    if account.plan_id != before.id:
        event = "began" if before.is_trial else "switched"
        _tell(account, event=event, occasion=f"{subscription}:{account.plan_id}:{at.isoformat()}", facts=facts)
    if account.cancel_at and account.cancel_at != cancel_at_before:
        facts["at"] = time_of(account.cancel_at)
        _tell(account, event="will end", occasion=f"{subscription}:until:{account.cancel_at.isoformat()}", facts=facts)


def tell_of_end(account: BillingAccount, *, subscription_id: str, before: Plan, ended_at: datetime) -> None:
    """Have an organization told that its subscription has ended, in the caller's transaction."""
    facts = {"before": before.name, "after": account.plan.name, "at": time_of(ended_at)}
    _tell(account, event="ended", occasion=f"{subscription_id}:ended", facts=facts)


def plan_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a change of plan."""
    organization, before, after, at = (facts[name] for name in ("organization", "before", "after", "at"))
    subject, sentence = {
        "began": (f"{organization} is on {after}", f"{organization} is on {after} from {at} on."),
        "switched": (
            f"{organization} has switched to {after}",
            f"{organization} has switched from {before} to {after}, from {at} on. Usage before that is billed at the "
            f"prices of {before}.",
        ),
        "will end": (
            f"{after} of {organization} will end",
            f"{after} ends for {organization} at {at}. It works until then, and can be resumed until then.",
        ),
        "ended": (
            f"{before} of {organization} has ended",
            f"{before} has ended for {organization} at {at}. Usage until then is on a last invoice.",
        ),
    }[facts["event"]]
    return Letter(
        subject=subject,
        paragraphs=[sentence],
        rows=[("Plan before", before), ("Plan now", after), ("Ends" if facts["event"] == "will end" else "From", at)],
        link=Link(label="See plan and bill", path="/app/billing/"),
    )


def _tell(account: BillingAccount, *, event: str, occasion: str, facts: Mapping[str, str]) -> None:
    tell(
        organization_id=account.organization_id,
        kind=Kind.PLAN_CHANGED,
        occasion=occasion,
        facts={**facts, "event": event},
    )

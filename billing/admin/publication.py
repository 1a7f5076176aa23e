"""The publication state of plans, and publishing with a message for each outcome."""

import logging
from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest

from billing.models import Plan
from billing.plans.completeness import why_not_sellable
from billing.plans.publishing import has_changes, publish_plans
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)


def publication_state(plan: Plan) -> str:
    """Return "Published", "Never published", "Changes to publish", or "Not sold" of the trial, unknown to Stripe."""
    if plan.is_trial:
        return "Not sold"
    if plan.published_at is None:
        return "Never published"
    return "Changes to publish" if has_changes(plan=plan) or _is_renamed(plan) else "Published"


def _is_renamed(plan: Plan) -> bool:
    """Compare with the plan as it was published: the first row in its history that bears this `published_at`."""
    versions = plan.history.filter(published_at=plan.published_at)  # type: ignore[attr-defined]
    published = versions.order_by("history_date", "history_id").first()
    return published is not None and published.name != plan.name


def publish_and_tell(request: HttpRequest, *, plans: Iterable[Plan]) -> None:
    """Publish each plan and show the outcome. It stops at the first plan that Stripe does not take."""
    for plan in plans:
        if plan.is_trial:
            messages.info(request, f"{plan} is the free trial: it is never sent to Stripe.")
        elif problem := why_not_sellable(plan=plan):
            messages.error(request, f"{plan} was not published. {problem}")
        elif not _publish(request, plan):
            return


def _publish(request: HttpRequest, plan: Plan) -> bool:
    try:
        published = publish_plans(plans=[plan])
    except StripeUnavailable as error:
        logger.warning("publishing stopped", extra={"plan": plan.code, "error": str(error)})
        reason = str(error).partition("\n")[0]
        what_to_do = "New subscribers get the prices they got before. Publish again: it goes on from where it stopped."
        messages.error(request, f"{plan}: Stripe cannot be used just now ({reason}). {what_to_do}")
        return False
    except StripeRejected as error:
        messages.error(request, f"{plan}: Stripe refused: {error}")
        return False
    if published.edited_meanwhile:
        messages.warning(request, f"{plan} was edited meanwhile, so it is not on offer yet. Publish it again.")
    elif published.changes:
        messages.success(request, f"{plan} is published. New in Stripe: {', '.join(published.changes)}.")
    else:
        messages.info(request, f"{plan}: nothing differed, so Stripe was not changed.")
    return True

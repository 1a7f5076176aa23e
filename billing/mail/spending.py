"""Notices of spending caps: a share of the cap of an organization, a key or a project is used."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse

from accounts.models import ApiKey, Project
from billing.mail.notices import Kind, tell
from billing.models import SpendingAlert
from billing.models.spending_alert import cap_owner
from billing.money import format_cents, format_exact, plain, round_to_cents
from common.letters import Letter, Link

USED_UP = 100


def tell_of_caps(alerts: Sequence[SpendingAlert]) -> None:
    """Have organizations told of alerts, each once, in the caller's transaction."""
    keys = ApiKey.objects.in_bulk([alert.api_key_id for alert in alerts if alert.api_key_id])
    projects = Project.objects.in_bulk([alert.project_id for alert in alerts if alert.project_id])
    for alert in alerts:
        part = keys.get(alert.api_key_id or 0) or projects.get(alert.project_id or 0)
        cap = cap_owner(api_key_id=alert.api_key_id, project_id=alert.project_id)
        facts = {
            **_facts_of(part),
            "percent": alert.percent,
            "spent": format_exact(alert.spent_minor),
            "cap": format_exact(alert.cap_minor),
        }
        occasion = f"{cap}:{alert.spending_starts_at.isoformat()}:{plain(alert.cap_minor)}:{alert.percent}"
        tell(organization_id=alert.organization_id, kind=Kind.SPENDING_CAP, occasion=occasion, facts=facts)


def cap_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a cap."""
    organization = facts["organization"]
    spender = f"{_part_of(facts)} of {organization}" if _part_of(facts) else organization
    used_up = facts["percent"] >= USED_UP
    rest = "The rest pays for a short request at most. " if used_up else ""
    share = (
        "a spending cap on rgent is used up" if used_up else f"{facts['percent']} % of a spending cap on rgent is used"
    )
    return Letter(
        subject=f"{organization}: {share}",
        paragraphs=[
            f"{facts['spent']} of the {facts['cap']} that {spender} may spend in this billing period are spent.",
            f"{rest}Requests that could pass the cap are refused until it is raised, or a new period begins.",
        ],
        rows=[("Spent", facts["spent"]), ("Cap", facts["cap"])],
        link=Link(label="Change the cap, and when to be told", path=facts["path"]),
    )


def _facts_of(part: ApiKey | Project | None) -> dict[str, str]:
    """Return the part whose cap it is, and the page where the cap is changed.

    The release before reads `key` of every notice.
    """
    if isinstance(part, ApiKey):
        return {"key": f"{part.name} ({part.hint})", "path": reverse("key", kwargs={"api_key_id": part.id})}
    if part:
        return {"key": "", "project": part.name, "path": reverse("project", kwargs={"project_id": part.id})}
    return {"key": "", "path": reverse("billing")}


def _part_of(facts: Mapping[str, Any]) -> str:
    if facts.get("key"):
        return f"the key {facts['key']}"
    return f"the project {facts['project']}" if facts.get("project") else ""


def tell_of_unusual_spending(*, organization_id: int, day: date, spent_minor: Decimal, usual_minor: Decimal) -> None:
    """Have an organization told that it spends far more than usual, once a day."""
    facts = {"day": f"{day:%-d %b %Y}", "spent": _cents(spent_minor), "usual": _cents(usual_minor)}
    tell(organization_id=organization_id, kind=Kind.UNUSUAL_SPENDING, occasion=day.isoformat(), facts=facts)


def unusual_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a day of unusual spending."""
    organization = facts["organization"]
    return Letter(
        subject=f"{organization}: {facts['spent']} spent today on rgent, far more than usual",
        paragraphs=[
            f"{organization} has spent {facts['spent']} on {facts['day']} (UTC) so far. In the two weeks before it was "
            f"{facts['usual']} a day.",
            "If you expect this, do nothing. If not, look at which key it is, revoke that key, and set a spending cap: "
            "requests that could pass it are refused.",
        ],
        rows=[("Spent today", facts["spent"]), ("Usually, a day", facts["usual"])],
        link=Link(label="See the usage by key", path=f"{reverse('usage')}?group=key"),
    )


def _cents(amount_minor: Decimal) -> str:
    return format_cents(round_to_cents(amount_minor))

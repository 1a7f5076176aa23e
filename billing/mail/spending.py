"""Notices of spending caps: a share of an organization's or a key's cap is used."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from accounts.models import ApiKey
from billing.mail.notices import Kind, tell
from billing.models import SpendingAlert
from billing.money import format_exact, plain
from common.letters import Letter, Link

USED_UP = 100


def tell_of_caps(alerts: Sequence[SpendingAlert]) -> None:
    """Have organizations told of alerts, each once, in the caller's transaction."""
    keys = ApiKey.objects.in_bulk([alert.api_key_id for alert in alerts if alert.api_key_id])
    for alert in alerts:
        key = keys.get(alert.api_key_id) if alert.api_key_id else None
        cap = f"key {alert.api_key_id}" if alert.api_key_id else "organization"
        facts = {
            "key": f"{key.name} ({key.hint})" if key else "",
            "percent": alert.percent,
            "spent": format_exact(alert.spent_minor),
            "cap": format_exact(alert.cap_minor),
            "path": reverse("key", kwargs={"api_key_id": key.id}) if key else reverse("billing"),
        }
        occasion = f"{cap}:{alert.spending_starts_at.isoformat()}:{plain(alert.cap_minor)}:{alert.percent}"
        tell(organization_id=alert.organization_id, kind=Kind.SPENDING_CAP, occasion=occasion, facts=facts)


def cap_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a cap."""
    organization = facts["organization"]
    spender = f"the key {facts['key']} of {organization}" if facts["key"] else organization
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

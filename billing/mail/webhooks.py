"""Notices of webhook endpoints that were switched off."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.mail.notices import Kind, tell
from billing.mail.words import time_of
from billing.models import CustomerEndpoint
from common.letters import Letter, Link


def tell_of_endpoint_off(endpoint: CustomerEndpoint, *, gone: bool, now: datetime) -> None:
    """Have an organization told that an endpoint was switched off, in the caller's transaction. `now` is wall time."""
    facts = {
        "url": endpoint.url,
        "gone": gone,
        "since": time_of(endpoint.failing_since) if endpoint.failing_since else "",
        "path": f"/app/settings/webhooks/{endpoint.pk}/",
    }
    occasion = f"{endpoint.pk}:{now.isoformat()}"
    tell(organization_id=endpoint.organization_id, kind=Kind.WEBHOOK_OFF, occasion=occasion, facts=facts)


def endpoint_off_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about an endpoint that was switched off."""
    organization = facts["organization"]
    reason = (
        "It answered 410 Gone, which asks us to send nothing more."
        if facts["gone"]
        else f"No event has arrived there since {facts['since']}, though each was tried again and again."
    )
    return Letter(
        subject=f"A webhook of {organization} is switched off",
        paragraphs=[
            f"Events of {organization} are no longer sent to an endpoint of yours. {reason}",
            "Mend the receiver, then switch the endpoint on again. Events that did not arrive stand in its log for 30 "
            "days, and can be sent again from there.",
        ],
        rows=[("Endpoint", facts["url"])],
        link=Link(label="See its log", path=facts["path"]),
    )

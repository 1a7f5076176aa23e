"""Notices of late usage: tokens that are billed on another invoice than that of their time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from billing.mail.notices import Kind, tell
from billing.mail.words import time_of
from billing.models import LateUsage
from billing.money import format_exact
from common.letters import Letter, Link


def tell_of_late_usage(rows: Iterable[LateUsage]) -> None:
    """Have organizations told of late usage that is about to be billed, in the caller's transaction.

    The rows of an organization are one notice. The caller passes each row once.
    """
    by_organization: dict[int, list[LateUsage]] = defaultdict(list)
    for row in rows:
        by_organization[row.organization_id].append(row)
    for organization_id, late in sorted(by_organization.items()):
        facts = {
            "lines": [
                {"name": row.description, "tokens": row.quantity if row.model else None, "amount": _amount(row)}
                for row in late
            ],
            "total": format_exact(sum((row.amount_minor for row in late), Decimal(0))),
            "first": time_of(min(row.first_at for row in late)),
            "last": time_of(max(row.last_at for row in late)),
        }
        tell(organization_id=organization_id, kind=Kind.USAGE_LATE, occasion=late[0].identifier, facts=facts)


def late_usage_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about late usage."""
    return Letter(
        subject=f"{facts['organization']}: usage that comes on a later invoice",
        paragraphs=[
            f"Some usage of {facts['organization']} between {facts['first']} and {facts['last']} is on none of your "
            "invoices so far. It comes on the next one, or on one of its own if there is no subscription, at the "
            "prices of its time. Nothing is charged twice."
        ],
        rows=[*((line["name"], _shown(line)) for line in facts["lines"]), ("Together", facts["total"])],
        link=Link(label="See your bill", path="/app/billing/"),
    )


def _shown(line: Mapping[str, Any]) -> str:
    """Show tokens and amount; of usage by spend the amount alone."""
    return f"{line['tokens']:,} tokens, {line['amount']}" if line["tokens"] is not None else str(line["amount"])


def _amount(row: LateUsage) -> str:
    return format_exact(row.amount_minor)

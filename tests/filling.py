"""Organizations with as much of everything as a test asks for, in a few statements: rows are made in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from djstripe import models as djstripe

from accounts.invitations import MOST_PENDING
from accounts.models import ApiKey, AuditEntry, AuditEvent, Invitation, Membership, Organization, User
from billing.models import BillingAccount, DailyUsage, KeyBudget, UsageRecord
from billing.plans.price_lists import price_list
from billing.tokens import TOKEN_COLUMNS, TokenUsage

NAMES = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Edsger Dijkstra", "Barbara Liskov")
PURPOSES = ("Production web", "Batch summaries", "Support assistant", "Nightly evaluation", "Search ranking", "Laptop")
# Of a day's tokens: fresh input, both kinds of writes, reads, and output, in percent.
SHARES = (38, 6, 2, 44, 10)
STATES = [UsageRecord.State.SETTLED] * 9 + [UsageRecord.State.VOID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much an organization is given. `tokens` are those of all days together."""

    keys: int = 0
    members: int = 0
    invoices: int = 0
    requests: int = 0
    days: int = 0
    tokens: int = 0


def fill(organization: Organization, amounts: Amounts, *, now: datetime) -> None:
    """Give an organization people, keys, usage, requests, invoices and a log. `now` is billing time."""
    account = BillingAccount.objects.select_related("plan").get(organization=organization)
    people = _people(organization, amounts.members, now=now)
    keys = _keys(organization, amounts.keys, people=people, now=now)
    _invitations(organization, min(amounts.members, MOST_PENDING), now=now)
    _log(organization, amounts.requests, people=people, now=now)
    DailyUsage.objects.bulk_create(_days(account, amounts, keys=keys, now=now))
    UsageRecord.objects.bulk_create(_requests(account, amounts.requests, keys=keys, now=now))
    spent = DailyUsage.objects.filter(organization=organization, period_starts_at=account.period_starts_at)
    BillingAccount.objects.filter(id=account.id).update(
        spent_minor=sum(spent.values_list("cost_minor", flat=True), Decimal(0))
    )
    if amounts.invoices:
        _invoices(account, amounts.invoices, now=now)


def _people(organization: Organization, count: int, *, now: datetime) -> list[User]:
    emails = [f"person-{number}@{organization.pk}.example.com" for number in range(count)]
    users = [User(email=email, name=NAMES[number % len(NAMES)]) for number, email in enumerate(emails)]
    User.objects.bulk_create(users)
    roles = (Membership.Role.ADMIN, Membership.Role.MEMBER, Membership.Role.MEMBER)
    Membership.objects.bulk_create(
        Membership(organization=organization, user=user, role=roles[number % 3], created_at=now)
        for number, user in enumerate(users)
    )
    return users


def _keys(organization: Organization, count: int, *, people: Sequence[User], now: datetime) -> list[ApiKey]:
    """Make keys: each third has a cap, each fifth is revoked."""
    keys = [
        ApiKey(
            organization=organization,
            created_by=people[number % len(people)] if people else None,
            name=f"{PURPOSES[number % len(PURPOSES)]} {number + 1}",
            key_hash=f"{organization.pk}-{number}".rjust(64, "0"),
            prefix="rgent_7Kq2vX",
            last_four=f"{number:04}",
            last_used_at=now - timedelta(hours=number) if number % 4 else None,
            revoked_at=now if number % 5 == 4 else None,
            created_at=now - timedelta(days=number),
        )
        for number in range(count)
    ]
    ApiKey.objects.bulk_create(keys)
    capped = keys[::3]
    account = BillingAccount.objects.get(organization=organization)
    KeyBudget.objects.bulk_create(
        KeyBudget(
            api_key=key,
            cap_minor=Decimal(5000),
            spent_minor=Decimal(137 * (number % 36)),
            spending_starts_at=account.spending_starts_at,
        )
        for number, key in enumerate(capped)
    )
    BillingAccount.objects.filter(id=account.id).update(has_key_caps=bool(capped))
    return keys


def _invitations(organization: Organization, count: int, *, now: datetime) -> None:
    Invitation.objects.bulk_create(
        Invitation(
            organization=organization,
            email=f"invited-{number}@{organization.pk}.example.com",
            token_hash=f"{organization.pk}-{number}".rjust(64, "0"),
            created_at=now,
            expires_at=now + timedelta(days=7),
        )
        for number in range(count)
    )


def _log(organization: Organization, count: int, *, people: Sequence[User], now: datetime) -> None:
    events = (AuditEvent.KEY_CREATED, AuditEvent.CAP_CHANGED, AuditEvent.MEMBER_JOINED, AuditEvent.KEY_REVOKED)
    AuditEntry.objects.bulk_create(
        AuditEntry(
            organization=organization,
            at=now - timedelta(hours=count - number),
            event=events[number % len(events)],
            detail=f"{PURPOSES[number % len(PURPOSES)]} (rgent_7Kq2vX…{number:04})",
            actor_name=people[number % len(people)].email if people else "rgent",
            ip="203.0.113.7",
        )
        for number in range(count)
    )


def _days(account: BillingAccount, amounts: Amounts, *, keys: Sequence[ApiKey], now: datetime) -> Iterator[DailyUsage]:
    """Yield totals of the days up to today: of each model, by one key each, fewer at weekends."""
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    models, days = prices.models, [(now - timedelta(days=each)).date() for each in range(amounts.days)]
    for place, day in enumerate(days):
        for index, model in enumerate(models):
            weight = (4 if day.weekday() < 5 else 1) * (len(models) - index) * (100 + (place * 37 + index * 11) % 60)
            even = 2.9 * (len(models) + 1) / 2 * 130 * len(models) * max(len(days), 1)
            usage = _split(int(amounts.tokens * weight / even))
            yield DailyUsage(
                organization_id=account.organization_id,
                day=day,
                period_starts_at=account.period_starts_at,
                api_key=keys[(place + index) % len(keys)] if keys else None,
                plan=account.plan,
                priced_at=account.priced_at,
                model=model,
                requests=usage.output_tokens // 400 + 1,
                failed_requests=(place + index) % 3,
                cost_minor=prices.cost_minor(model=model, usage=usage),
                **{name: getattr(usage, name) for name in TOKEN_COLUMNS},
            )


def _split(tokens: int) -> TokenUsage:
    return TokenUsage(**{name: tokens * share // 100 for name, share in zip(TOKEN_COLUMNS, SHARES, strict=True)})


def _requests(account: BillingAccount, count: int, *, keys: Sequence[ApiKey], now: datetime) -> Iterator[UsageRecord]:
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    for number in range(count):
        usage, model = _split(900 + 97 * (number % 80)), prices.models[number % len(prices.models)]
        state, begun_at = STATES[number % len(STATES)], now - timedelta(minutes=7 * (count - number))
        settled = state == UsageRecord.State.SETTLED
        yield UsageRecord(
            request_id=f"req_{account.organization_id:08x}{number:016x}",
            organization_id=account.organization_id,
            api_key=keys[number % len(keys)] if keys else None,
            plan=account.plan,
            priced_at=account.priced_at,
            model=model,
            state=state,
            streamed=bool(number % 2),
            hold_minor=Decimal(0),
            cost_minor=prices.cost_minor(model=model, usage=usage) if settled else Decimal(0),
            outcome="end_turn" if settled else "overloaded_error",
            begun_at=begun_at,
            settled_at=begun_at + timedelta(seconds=2 + number % 9),
            period_starts_at=account.period_starts_at,
            deadline_at=now,
            posted_at=now,
            **({name: getattr(usage, name) for name in TOKEN_COLUMNS} if settled else {}),
        )


def _invoices(account: BillingAccount, count: int, *, now: datetime) -> None:
    customer = stored_customer(account)
    months = [now - timedelta(days=30 * (number + 1)) for number in range(count)]
    djstripe.Invoice.objects.bulk_create(
        djstripe.Invoice(
            id=f"in_{account.organization_id}_{count - number}",
            livemode=False,
            customer=customer,
            created=month,
            stripe_data=_invoice_data(account, number=count - number, ends_at=month),
        )
        for number, month in enumerate(months)
    )


def stored_customer(account: BillingAccount) -> djstripe.Customer:
    """Return dj-stripe's row of an account's customer, made where it is missing."""
    found, _ = djstripe.Customer.objects.get_or_create(
        id=account.stripe_customer_id, defaults={"livemode": False, "stripe_data": {"object": "customer"}}
    )
    return found


def _invoice_data(account: BillingAccount, *, number: int, ends_at: datetime) -> dict[str, Any]:
    starts, ends, total = (
        int((ends_at - timedelta(days=30)).timestamp()),
        int(ends_at.timestamp()),
        1000 + 1789 * number,
    )
    line = {
        "id": f"il_{account.organization_id}_{number}",
        "description": f"{account.plan} · base",
        "amount": total,
        "quantity": 1,
        "period": {"start": starts, "end": ends},
        "pricing": None,
        "parent": None,
    }
    return {
        "id": f"in_{account.organization_id}_{number}",
        "object": "invoice",
        "customer": account.stripe_customer_id,
        "number": f"RG-{account.organization_id:04}-{number:04}",
        "status": "paid",
        "currency": "usd",
        "total": total,
        "amount_remaining": 0,
        "period_start": starts,
        "period_end": ends,
        "hosted_invoice_url": "",
        "invoice_pdf": "",
        "lines": {"data": [line], "has_more": False},
    }

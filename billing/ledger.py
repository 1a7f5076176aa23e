"""The two-phase ledger: an open record before a request goes to Claude, closed with what it really used.

`commit` takes any mix of begins and endings and makes them durable in one transaction, so that a thousand
requests in flight share a few commits. Inside, billing accounts are locked in order of id (so that processes cannot
deadlock), holds are granted in Python, and each table is written once. An account's lock also guards its records
and the budgets of its keys: nothing closes a record without holding it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.budgets import LockedBudgets, lock_budgets
from billing.bulk_rows import ids_where, insert_rows, update_rows
from billing.idempotency import Claim, LockedKeys, Repeated
from billing.models import BillingAccount, Budget, IdempotencyKey, KeyBudget, PlanPrice, UsageRecord
from billing.money import EXACT, format_exact
from billing.plans.price_lists import PriceList, price_list
from billing.terms import remember
from billing.tokens import CACHE_WRITES, TOKEN_COLUMNS, TokenClass, TokenUsage

# A call is cut off at CLAUDE_CALL_LIMIT_S; what is open this much later belongs to a process that died.
SETTLE_GRACE = timedelta(seconds=60)
# Every other column of a new record has the database's default.
RECORD_BEGINNING = [
    "request_id",
    "organization",
    "api_key",
    "plan",
    "priced_at",
    "model",
    "streamed",
    "trial",
    "hold_minor",
    "begun_at",
    "deadline_at",
]
RECORD_ENDING = [
    "state",
    "cost_minor",
    *TOKEN_COLUMNS,
    "server_tool_use",
    "estimated",
    "upstream_request_id",
    "outcome",
    "settled_at",
    "period_starts_at",
]


class NotEntitled(Exception):
    """The organization may not make this request. The message says what to do."""


class TrialExhausted(NotEntitled):
    """All free requests are used up."""


class SubscriptionSuspended(NotEntitled):
    """The subscription is unpaid."""


class ModelNotInPlan(NotEntitled):
    """The plan does not include the model."""


class UnknownModel(NotEntitled):
    """No plan knows the model."""


class SpendingCapReached(NotEntitled):
    """What is left of the spending cap does not pay for the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A request that wants to go to Claude. Without a `model` it gets the plan's first that its key may use.

    `key_models` are those of the key; empty: all of the plan's. `input_tokens` is the most its input can be,
    `cache_writes` the ways in which it may write to the cache.
    """

    request_id: str
    organization_id: int
    api_key_id: int | None
    model: str
    input_tokens: int
    max_tokens: int
    cache_writes: frozenset[TokenClass] = CACHE_WRITES
    streamed: bool = False
    key_models: tuple[str, ...] = ()
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to call Claude, with at most `max_tokens` of output."""

    record: UsageRecord
    prices: PriceList
    max_tokens: int
    trial_requests_remaining: int | None
    idempotency_key: IdempotencyKey | None = None

    @property
    def request_id(self) -> str:
        """The request's public id."""
        return self.record.request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """A request Claude answered: the tokens it used, and how often Claude ran which tool of its own, which is free.

    The `answer` is kept where the request has an idempotency key.
    """

    grant: Grant
    usage: TokenUsage
    server_tool_use: Mapping[str, int] = field(default_factory=dict)
    outcome: str = ""
    upstream_request_id: str = ""
    estimated: bool = False
    answer: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """A request that failed: it costs nothing and gives its trial request back.

    Where Claude `may_have_served` it all the same, the record becomes abandoned, so that it is not forgotten.
    """

    grant: Grant
    outcome: str
    upstream_request_id: str = ""
    may_have_served: bool = False


Entry = Begin | Settle | Void
# A Begin's outcome is its Grant, the reason it was refused, or what became of the request it repeats; an ending's is
# whether it closed the record.
Outcome = Grant | NotEntitled | Repeated | bool


def commit(entries: Sequence[Entry], *, now: datetime) -> list[Outcome]:
    """Write the entries in one transaction and return each one's outcome, in order. `now` is billing time.

    Ending a record that has ended before changes nothing and is False. Raises what the database raises; then
    nothing was written.
    """
    with transaction.atomic():
        budgets = lock_budgets(organization_ids={_spender_of(entry)[0] for entry in entries}, now=now)
        budgets.read_keys(map(_spender_of, entries))
        keys = LockedKeys((entry.organization_id, entry.claim) for entry in entries if isinstance(entry, Begin))
        still_open = _still_open([entry.grant.record.id for entry in entries if not isinstance(entry, Begin)])
        outcomes: list[Outcome] = []
        ended: list[UsageRecord] = []
        for entry in entries:
            if _spender_of(entry)[0] not in budgets.accounts:
                outcomes.append(NotEntitled("This organization has no billing account: ask support to set one up."))
                continue
            if isinstance(entry, Begin):
                outcomes.append(_begin(entry, budgets=budgets, keys=keys, now=now))
                continue
            closes = entry.grant.record.id in still_open
            if closes:
                still_open.discard(entry.grant.record.id)
                ended.append(_end(entry, budgets=budgets, keys=keys, now=now))
            outcomes.append(closes)
        budgets.save()
        opened = [outcome.record for outcome in outcomes if isinstance(outcome, Grant)]
        insert_rows(opened, fields=RECORD_BEGINNING, key="request_id")
        update_rows(ended, fields=RECORD_ENDING)
        keys.save()
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, Grant) or outcome is True:
            remember(budgets.accounts[_spender_of(entry)[0]])
    return outcomes


def _spender_of(entry: Entry) -> tuple[int, int | None]:
    """Return whose request it is: the organization, and the key."""
    source = entry if isinstance(entry, Begin) else entry.grant.record
    return source.organization_id, source.api_key_id


def _still_open(record_ids: list[int]) -> set[int]:
    return ids_where(UsageRecord, ids=record_ids, column="state", value=UsageRecord.State.OPEN)


def _begin(entry: Begin, *, budgets: LockedBudgets, keys: LockedKeys, now: datetime) -> Grant | NotEntitled | Repeated:
    if entry.claim and (repeated := keys.find(organization_id=entry.organization_id, claim=entry.claim)):
        return repeated
    account = budgets.accounts[entry.organization_id]
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    try:
        model = entitled_model(entry, status=account.status, prices=prices)
        _check_trial(account, prices=prices)
        max_tokens = entry.max_tokens
        for budget in budgets.of(organization_id=entry.organization_id, api_key_id=entry.api_key_id):
            max_tokens = min(max_tokens, _affordable(entry, model=model, budget=budget, prices=prices))
    except NotEntitled as refusal:
        return refusal
    remaining = None
    if prices.trial:
        account.trial_used += 1
        remaining = prices.trial_requests - account.trial_used
    record = new_record(entry, model=model, prices=prices, max_tokens=max_tokens, now=now)
    budgets.hold(record)
    return Grant(
        record=record,
        prices=prices,
        max_tokens=max_tokens,
        trial_requests_remaining=remaining,
        idempotency_key=keys.open(entry.claim, record=record) if entry.claim else None,
    )


def new_record(entry: Begin, *, model: str, prices: PriceList, max_tokens: int, now: datetime) -> UsageRecord:
    """Return the open record of a request that may be made, with what it may cost at most. Nothing is written."""
    return UsageRecord(
        request_id=entry.request_id,
        organization_id=entry.organization_id,
        api_key_id=entry.api_key_id,
        plan_id=prices.plan_id,
        priced_at=prices.priced_at,
        model=model,
        streamed=entry.streamed,
        trial=prices.trial,
        hold_minor=_most_minor(entry, model=model, prices=prices, output_tokens=max_tokens),
        begun_at=now,
        deadline_at=timezone.now() + timedelta(seconds=settings.CLAUDE_CALL_LIMIT_S) + SETTLE_GRACE,
    )


def _first_model(entry: Begin, *, prices: PriceList) -> str:
    if not entry.key_models:
        return next(iter(prices.models), "")
    return next((model for model in prices.models if model in entry.key_models), entry.key_models[0])


def entitled_model(entry: Begin, *, status: str, prices: PriceList) -> str:
    """Return the model that a request gets. Raises a NotEntitled where the account or its plan does not allow it."""
    model = entry.model or _first_model(entry, prices=prices)
    billing_page = f"{settings.PUBLIC_URL}/app/billing/"
    if status == BillingAccount.Status.SUSPENDED:
        raise SubscriptionSuspended(f"The subscription is unpaid. Pay the open invoice at {billing_page} to go on.")
    if model not in prices.rates:
        included = ", ".join(prices.models) or "no model yet"
        if model not in PlanPrice.objects.values_list("model", flat=True):
            raise UnknownModel(f"There is no model {model[:100]!r} here. Your plan includes {included}.")
        raise ModelNotInPlan(
            f"The plan {prices.plan_name} does not include {model}. It includes {included}; other plans: {billing_page}"
        )
    return model


def _check_trial(account: BillingAccount, *, prices: PriceList) -> None:
    if prices.trial and account.trial_used >= prices.trial_requests:
        billing_page = f"{settings.PUBLIC_URL}/app/billing/"
        raise TrialExhausted(
            f"The {prices.trial_requests} free requests are used up. Subscribe at {billing_page} to go on."
        )


def _affordable(entry: Begin, *, model: str, budget: Budget, prices: PriceList) -> int:
    """Return the output tokens that the request may ask for: what the budget leaves, at least one."""
    left_minor = budget.left_minor
    if left_minor is None:
        return entry.max_tokens
    least_minor = _most_minor(entry, model=model, prices=prices, output_tokens=1)
    if left_minor < least_minor:
        raise _cap_reached(budget, left_minor=left_minor, least_minor=least_minor)
    per_token = prices.rates[model][TokenClass.OUTPUT]
    if not per_token:
        return entry.max_tokens
    return 1 + int(EXACT.subtract(left_minor, least_minor) // per_token)


def _most_minor(entry: Begin, *, model: str, prices: PriceList, output_tokens: int) -> Decimal:
    return prices.most_minor(
        model=model, input_tokens=entry.input_tokens, cache_writes=entry.cache_writes, output_tokens=output_tokens
    )


def _cap_reached(budget: Budget, *, left_minor: Decimal, least_minor: Decimal) -> SpendingCapReached:
    whose, page = ("this key", "keys") if isinstance(budget, KeyBudget) else ("your organization", "billing")
    cost, left = format_exact(least_minor), format_exact(max(left_minor, Decimal(0)))
    return SpendingCapReached(
        f"The spending cap of {whose} leaves too little for this request, which may cost {cost} with one token of an "
        f"answer; {left} is left. Raise the cap, or wait for the next billing period: {settings.PUBLIC_URL}/app/{page}/"
    )


def _end(entry: Settle | Void, *, budgets: LockedBudgets, keys: LockedKeys, now: datetime) -> UsageRecord:
    record, key = entry.grant.record, entry.grant.idempotency_key
    account = budgets.accounts[record.organization_id]
    end_record(entry, period_starts_at=account.period_starts_at, now=now)
    if isinstance(entry, Void) and record.trial:
        account.trial_used -= 1
    budgets.release(record, cost_minor=record.cost_minor)
    if key and isinstance(entry, Settle):
        keys.answer(key, entry.answer)
    elif key:
        keys.free(key)
    return record


def end_record(entry: Settle | Void, *, period_starts_at: datetime, now: datetime) -> None:
    """Close the record of an ending, with what it cost. Nothing is written."""
    record = entry.grant.record
    record.outcome = entry.outcome[:200]
    record.upstream_request_id = entry.upstream_request_id[:100]
    record.settled_at, record.period_starts_at = now, period_starts_at
    if isinstance(entry, Void):
        record.state = UsageRecord.State.ABANDONED if entry.may_have_served else UsageRecord.State.VOID
        return
    record.state = UsageRecord.State.SETTLED
    record.estimated = entry.estimated
    record.server_tool_use = dict(entry.server_tool_use)
    for name in TOKEN_COLUMNS:
        setattr(record, name, getattr(entry.usage, name))
    record.cost_minor = entry.grant.prices.cost_minor(model=record.model, usage=entry.usage)

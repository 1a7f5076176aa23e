"""The free trial's bounds: requests, tokens, dollars, Claude's own tools, and the tokens of all trials in a day.

A request sets aside the most it can use when it begins, and gives back the rest when it ends, so that parallel requests
never pass a bound. An abandoned record keeps what it set aside, since Claude may have served it.
"""

import logging
import time
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from billing.ledger.clamping import affordable_output
from billing.ledger.entries import Begin, InputNotCounted, TrialExhausted
from billing.ledger.records import most_minor
from billing.ledger.trial_value import valued
from billing.models import BillingAccount, DailyUsage, UsageRecord
from billing.money import EXACT, format_exact
from billing.plans.price_lists import PriceList
from billing.tokens import TOKEN_COLUMNS, TokenUsage

logger = logging.getLogger(__name__)

CENTS = Decimal(100)
# How long a process remembers the tokens that all trials used today.
REMEMBERED_S = 10.0

_today: dict[str, float] = {"tokens": 0, "read_at": float("-inf")}


def check_trial(entry: Begin, *, model: str, account: BillingAccount, prices: PriceList, now: datetime) -> int:
    """Return the most output tokens that the trial leaves a request. Raises TrialExhausted, or InputNotCounted."""
    check_requests(account, prices=prices)
    if entry.server_tools and not settings.TRIAL_SERVER_TOOLS:
        raise _ended("Tools that Claude runs itself are not part of the free trial.")
    _check_all_trials(now=now)
    return min(_left_in_tokens(entry, account=account), _left_in_dollars(entry, model, account=account, prices=prices))


def _left_in_tokens(entry: Begin, *, account: BillingAccount) -> int:
    if not settings.TRIAL_TOKENS:
        return entry.max_tokens
    left = settings.TRIAL_TOKENS - account.trial_tokens
    most_output = left - entry.input_tokens - entry.more_output_tokens
    if entry.countable and most_output < entry.max_tokens and left > 1:
        raise _not_counted()
    if most_output < 1:
        used = f"{settings.TRIAL_TOKENS - max(left, 0):,} of the free trial's {settings.TRIAL_TOKENS:,} tokens are used"
        raise _ended(f"{used}, and this request may read {entry.input_tokens:,}.")
    return min(entry.max_tokens, most_output)


def _left_in_dollars(entry: Begin, model: str, *, account: BillingAccount, prices: PriceList) -> int:
    if not settings.TRIAL_DOLLARS:
        return entry.max_tokens
    trial_minor, values = EXACT.multiply(settings.TRIAL_DOLLARS, CENTS), valued(prices, model=model)
    left_minor = EXACT.subtract(trial_minor, account.trial_value_minor)
    most_output = affordable_output(entry, model=model, left_minor=left_minor, prices=values)
    if entry.countable and most_output < entry.max_tokens and left_minor > 0:
        raise _not_counted()
    if most_output < 1:
        used = f"{format_exact(min(account.trial_value_minor, trial_minor))} of the free trial's "
        used += f"{format_exact(trial_minor)} is used"
        most = most_minor(entry, model=model, prices=values, output_tokens=1)
        raise _ended(f"{used}, and this request may be worth {format_exact(most)}.")
    return min(entry.max_tokens, most_output)


def check_requests(account: BillingAccount, *, prices: PriceList) -> None:
    """Pass if the account is off the trial or has requests of it left. Raises TrialExhausted."""
    if prices.trial and account.had_trial_before:
        raise _ended("Your e-mail address had its free trial in another organization.")
    if prices.trial and account.trial_used >= prices.trial_requests:
        raise _ended(f"The {prices.trial_requests} free requests are used up.")


def set_aside(
    record: UsageRecord, *, entry: Begin, account: BillingAccount, prices: PriceList, max_tokens: int
) -> None:
    """Count a request of the trial, the most tokens it can use, and the most they can be worth."""
    account.trial_used += 1
    if settings.TRIAL_TOKENS:
        record.trial_tokens_held = entry.input_tokens + entry.more_output_tokens + max_tokens
    if settings.TRIAL_DOLLARS:
        values = valued(prices, model=record.model)
        record.trial_value_held_minor = most_minor(entry, model=record.model, prices=values, output_tokens=max_tokens)
    account.trial_tokens += record.trial_tokens_held
    account.trial_value_minor = EXACT.add(account.trial_value_minor, record.trial_value_held_minor)


def give_back(record: UsageRecord, *, account: BillingAccount, prices: PriceList) -> None:
    """Give a failed request back to the trial, and count what was used in place of what was set aside.

    `compare_and_add` gives a request back by itself, in its one statement.
    """
    if record.state != UsageRecord.State.SETTLED:
        account.trial_used -= 1
    count_used(record, account=account, prices=prices)


def count_used(record: UsageRecord, *, account: BillingAccount, prices: PriceList) -> None:
    """Count what a closed record used in place of what it set aside, unless it is abandoned."""
    if record.state == UsageRecord.State.ABANDONED:
        return
    if record.trial_tokens_held:
        account.trial_tokens -= record.trial_tokens_held - sum(getattr(record, name) for name in TOKEN_COLUMNS)
    if record.trial_value_held_minor:
        usage = TokenUsage(**{name: getattr(record, name) for name in TOKEN_COLUMNS})
        worth_minor = valued(prices, model=record.model).cost_minor(model=record.model, usage=usage)
        unused_minor = EXACT.subtract(record.trial_value_held_minor, worth_minor)
        account.trial_value_minor = EXACT.subtract(account.trial_value_minor, unused_minor)


def is_bounded_beyond_requests() -> bool:
    """Tell whether the trial has bounds beside its requests, which only the ledger's ordinary transaction counts."""
    bounds = settings.TRIAL_TOKENS, settings.TRIAL_DOLLARS, settings.TRIALS_TOKENS_A_DAY
    return any(bounds) or not settings.TRIAL_SERVER_TOOLS


def _check_all_trials(*, now: datetime) -> None:
    """Raise TrialExhausted where all trials together have used their tokens of the day, and tell the operator."""
    most = settings.TRIALS_TOKENS_A_DAY
    if not most:
        return
    if _today["read_at"] + REMEMBERED_S < time.monotonic():
        was_below = _today["tokens"] < most
        _today["tokens"], _today["read_at"] = _tokens_of(now), time.monotonic()
        if was_below and _today["tokens"] >= most:
            logger.error("all free trials together used their tokens of the day", extra={"tokens": _today["tokens"]})
    if _today["tokens"] >= most:
        raise _ended("The free trial is closed until tomorrow, because many are trying it today.")


def _tokens_of(now: datetime) -> int:
    sums = DailyUsage.objects.filter(trial=True, day=now.date()).aggregate(
        **{name: Sum(name) for name in TOKEN_COLUMNS}
    )
    return sum(int(total or 0) for total in sums.values())


def forget_today() -> None:
    """Forget the tokens that all trials used, so that they are read again."""
    _today.update(tokens=0, read_at=float("-inf"))


def _not_counted() -> InputNotCounted:
    return InputNotCounted("The free trial leaves too little for the bound of the input.")


def _ended(sentence: str) -> TrialExhausted:
    return TrialExhausted(f"{sentence} Subscribe at {settings.PUBLIC_URL}/app/billing/ to go on.")

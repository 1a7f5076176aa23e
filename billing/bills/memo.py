"""The memo of an invoice by spend: its tokens by model and class, which Stripe's one line does not tell."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from billing.bills.lines import in_order
from billing.bills.spend_parts import tokens_between
from billing.money import EXACT, format_exact
from billing.plans.measures import Kind
from billing.tokens import TokenClass

# Stripe names no limit for a memo. This much fits on a page of its file; portal and CSV have all of it.
MAX_LENGTH = 1_000
MORE = "More models are on the billing page."


def memo_of(*, organization_id: int, starts_at: datetime, ends_at: datetime) -> str:
    """Return the memo for the billing periods that begin in `[starts_at, ends_at)`; empty without usage by spend."""
    tokens = tokens_between(organization_id=organization_id, starts_at=starts_at, ends_at=ends_at)
    by_model = groupby(in_order(tokens), key=lambda each: each[0].model)
    return _fitting([_line(model, kinds) for model, kinds in by_model])


def _line(model: str, kinds: Iterable[tuple[Kind, int]]) -> str:
    """Return one model's tokens by class, and their exact cost. A price that changed meanwhile is not told apart."""
    counts: dict[str, int] = {}
    cost_minor = Decimal(0)
    for kind, tokens in kinds:
        counts[kind.token_class] = counts.get(kind.token_class, 0) + tokens
        cost_minor = EXACT.add(cost_minor, EXACT.multiply(kind.unit_minor, tokens))
    classes = "; ".join(f"{TokenClass(name).label.lower()} {tokens:,}" for name, tokens in counts.items())
    return f"{model}: {format_exact(cost_minor)} for tokens of {classes}."


def _fitting(lines: list[str]) -> str:
    memo = "\n".join(lines)
    while len(memo) > MAX_LENGTH:
        lines = lines[:-1]
        memo = "\n".join([*lines, MORE])
    return memo

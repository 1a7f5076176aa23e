"""Ledger and totals: the rows that pages, files and bills read must equal the records, at the plan's prices."""

from collections.abc import Iterator
from decimal import Decimal

from billing.metering.ledger_sums import Amounts, SumKey, Sums
from billing.money import EXACT, format_exact
from billing.plans.price_lists import price_list
from billing.reconciliation import repricing
from billing.reconciliation.differences import Difference, Kind, Stage
from billing.reconciliation.figures import Figures


def compare_totals(figures: Figures) -> Iterator[Difference]:
    """Yield the daily and hourly totals that differ from the ledger. Rebuilding them from it is the repair."""
    for name, totals in (("daily", figures.daily), ("hourly", figures.hourly)):
        for key in sorted(set(figures.ledger) | set(totals)):
            expected, found = _at(figures.ledger, key), _at(totals, key)
            if expected != found:
                yield _altered(key, name=name, expected=expected, found=found)


def _at(sums: Sums, key: SumKey) -> Amounts:
    return sums.get(key, Amounts())


def _altered(key: SumKey, *, name: str, expected: Amounts, found: Amounts) -> Difference:
    return Difference(
        kind=Kind.TOTAL_ALTERED,
        stage=Stage.TOTALS,
        about=f"{name}, {_line(key)}",
        organization_id=key.organization_id,
        period_starts_at=key.period_starts_at,
        expected=expected.usage.total,
        found=found.usage.total,
        detail=f"The ledger has {_text(expected)}, the {name} totals have {_text(found)}. "
        "The ledger counts; the totals are rebuilt from it.",
        repair=lambda: repricing.rebuild(organization_id=key.organization_id, period_starts_at=key.period_starts_at),
    )


def compare_prices(figures: Figures) -> Iterator[Difference]:
    """Yield sums of records whose cost is not that of their tokens. Pricing the records anew is the repair."""
    for key, amounts in sorted(figures.ledger.items()):
        right = priced(key, amounts)
        if right is not None and right != amounts.cost_minor:
            yield Difference(
                kind=Kind.MISPRICED,
                stage=Stage.PRICES,
                about=_line(key),
                organization_id=key.organization_id,
                period_starts_at=key.period_starts_at,
                expected=amounts.usage.total,
                found=amounts.usage.total,
                detail=f"Its records cost {format_exact(amounts.cost_minor)}; by its plan's prices their tokens cost "
                f"{format_exact(right)}. Stripe bills tokens, so invoices are right; pages and caps are not.",
                repair=lambda key=key: repricing.reprice(key),  # type: ignore[misc]
            )


def priced(key: SumKey, amounts: Amounts) -> Decimal | None:
    """Return what tokens cost by their price list, in exact cents; None on trial, and for a model the list lacks."""
    prices = price_list(plan_id=key.plan_id, priced_at=key.priced_at)
    if key.trial or key.model not in prices.rates:
        return None
    return EXACT.plus(prices.cost_minor(model=key.model, usage=amounts.usage))


def _line(key: SumKey) -> str:
    terms = f"plan {key.plan_id} as of {key.priced_at:%Y-%m-%dT%H:%MZ}"
    return f"{key.model}{' on trial' if key.trial else ''}, {terms}, from {key.period_starts_at:%Y-%m-%dT%H:%M:%SZ}"


def _text(amounts: Amounts) -> str:
    return f"{amounts.usage.total:,} tokens at {format_exact(amounts.cost_minor)}"

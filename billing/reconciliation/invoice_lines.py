"""Ledger and invoices: the usage of a period that is over must be on its final invoices, at the plan's price."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from billing import spend
from billing.bills.billed_usage import BilledUsage, Terms, billed_usage, is_invoiced
from billing.metering import posting
from billing.metering.late_usage import Late, add_late_usage
from billing.models import LateUsage
from billing.money import format_cents
from billing.plans.measures import Measured, measures
from billing.plans.price_lists import price_list
from billing.reconciliation.differences import Difference, Kind, Stage
from billing.reconciliation.figures import Figures
from billing.stripe_billing import sync

# A period without an invoice by then gets none: Stripe finalizes a draft within 72 hours, and a held one is shown.
INVOICED_WITHIN = timedelta(days=4)


def periods_over(figures: Figures, *, now: datetime) -> list[datetime]:
    """Return the periods of an organization that have ended."""
    account = figures.account
    account.enter_period(now=now)
    return [period for period in figures.periods if period < account.period_starts_at]


def compare_invoices(figures: Figures, *, now: datetime, waiting: list[str]) -> Iterator[Difference]:
    """Yield the usage of ended periods that final invoices bill too little, too much, or at another price.

    Usage they lack is billed by an invoice item as the repair, unless a line of its price that bills too much may have
    it. Periods whose invoice is not final yet are named in `waiting`. Raises StripeUnavailable, StripeRejected.
    """
    paid = {key.period_starts_at for key in figures.ledger if not key.trial}
    # The invoices of a customer that Stripe deleted are its own.
    since = figures.customer_since
    over = [period for period in periods_over(figures, now=now) if period in paid and not (since and since > period)]
    if not over or not figures.account.stripe_customer_id:
        return
    sync.sync_invoices(customer_id=figures.account.stripe_customer_id, since=min(over))
    decided = [period for period in over if _is_decided(figures, period, now=now)]
    waiting += [
        f"the invoice of the period from {period:%Y-%m-%d} is not final" for period in over if period not in decided
    ]
    for billed in billed_usage(account=figures.account, usage=_usage_of(figures, decided)):
        if billed.missing:
            yield _difference(figures, billed)
        if billed.wrong_amounts:
            yield _mispriced(figures, billed)


def _is_decided(figures: Figures, period: datetime, *, now: datetime) -> bool:
    ended = figures.account.period_starts_at
    return is_invoiced(account=figures.account, period_starts_at=period) or now > ended + INVOICED_WITHIN


def _usage_of(figures: Figures, periods: list[datetime]) -> dict[tuple[Terms, datetime], list[Measured]]:
    usage: dict[tuple[Terms, datetime], list[Measured]] = defaultdict(list)
    for key, amounts in figures.ledger.items():
        if not key.trial and key.period_starts_at in periods:
            prices = price_list(plan_id=key.plan_id, priced_at=key.priced_at)
            measured = measures(prices, model=key.model, usage=amounts.usage, cost_minor=amounts.cost_minor)
            usage[((key.plan_id, key.priced_at, key.model), key.period_starts_at)] += measured
    return usage


def _about(billed: BilledUsage) -> str:
    kind = "spend" if billed.kind.is_spend else f"{billed.kind.model} {billed.kind.token_class}"
    return f"{kind} from {billed.period_starts_at:%Y-%m-%dT%H:%M:%SZ}"


def _difference(figures: Figures, billed: BilledUsage) -> Difference:
    cents, may_bill = format_cents(abs(billed.missing_minor)), billed.missing > 0 and not billed.billed_elsewhere
    if billed.missing < 0:
        kind, words = Kind.UNKNOWN_IN_STRIPE, f"{cents} too much. Credit it to the customer in Stripe"
    elif billed.has_line:
        kind, words = Kind.LATE, f"{cents} too little: it came after the invoice was final. {_remedy(billed)}"
    else:
        kind, words = Kind.UNINVOICED, f"{cents} too little: no invoice has a line of this price. {_remedy(billed)}"
    return Difference(
        kind=kind,
        stage=Stage.INVOICES,
        about=_about(billed),
        organization_id=figures.account.organization_id,
        period_starts_at=billed.period_starts_at,
        expected=billed.used,
        found=billed.billed,
        detail=f"Final invoices bill {words}.",
        repair=(lambda: _bill(figures, billed)) if may_bill else None,
    )


def _remedy(billed: BilledUsage) -> str:
    """Tell how missing usage comes to be billed: never by us where a line may bill it that passes for another's."""
    if not billed.billed_elsewhere:
        return "An invoice item bills it"
    much = spend.measured(billed.kind.event_name, billed.billed_elsewhere)
    return (
        f"But lines of this price bill {much} too much nearby, which may be the same usage, so it is not billed again. "
        "Compare the invoices, and bill in Stripe what none of them has"
    )


def _mispriced(figures: Figures, billed: BilledUsage) -> Difference:
    return Difference(
        kind=Kind.MISPRICED,
        stage=Stage.INVOICES,
        about=_about(billed),
        organization_id=figures.account.organization_id,
        period_starts_at=billed.period_starts_at,
        expected=billed.used,
        found=billed.billed,
        detail=f"Stripe bills {'; '.join(billed.wrong_amounts)}. A final invoice does not change: find out who edited "
        "the price or the invoice, and settle it with a credit note or an invoice item.",
    )


def _bill(figures: Figures, billed: BilledUsage) -> str:
    """Bill what no invoice has by an invoice item, once."""
    kind, organization_id = billed.kind, figures.account.organization_id
    with transaction.atomic():
        posting.block_posting()
        made = LateUsage.objects.filter(
            organization_id=organization_id,
            plan_id__in=[plan_id for plan_id, _, _ in billed.terms],
            priced_at__in=[priced_at for _, priced_at, _ in billed.terms],
            model=kind.model,
            token_class=kind.token_class,
            period_starts_at=billed.period_starts_at,
            reason=LateUsage.Reason.MISSED,
        )
        if sum(made.values_list("quantity", flat=True)) != billed.billed_late:
            return ""  # another run has billed some of it meanwhile
        add_late_usage([_late(billed, organization_id=organization_id)])
    missing = spend.measured(kind.event_name, billed.missing)
    return f"An invoice item bills {missing}, {format_cents(billed.missing_minor)}."


def _late(billed: BilledUsage, *, organization_id: int) -> Late:
    plan_id, priced_at, _ = billed.newest_terms
    return Late(
        organization_id=organization_id,
        plan_id=plan_id,
        priced_at=priced_at,
        measured=[Measured(billed.kind, billed.missing)],
        reason=LateUsage.Reason.MISSED,
        used_at=billed.period_starts_at,
        period_starts_at=billed.period_starts_at,
    )

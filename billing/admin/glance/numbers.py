"""The operator's numbers at one look, on the first page of the admin."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.http import HttpRequest
from django.urls import reverse

from billing.admin.glance.parts import Cell, DrawnChart, Glance, Section, Tile
from billing.models import Discrepancy, MeterEvent, NoticeMail, TaskRun, UsageRecord
from billing.money import format_cents, round_to_cents
from billing.revenue.customers import COHORT, Customers, customers
from billing.revenue.margins import Margin, Margins, UsageNumbers, revenue_by, top_customers, usage_numbers
from billing.usage.charts import bar_chart

DAYS = 30
RIGHT = "billing.view_numbers"
# No index finds refused mails, so the newest are looked through.
MAILS_LOOKED_AT = 1000
UNSENT = [MeterEvent.State.PENDING, MeterEvent.State.SENDING]


def days_until(today: date) -> list[date]:
    """Return the days that the numbers are of."""
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def glance_at_numbers(*, request: HttpRequest, now: datetime) -> Glance | None:
    """Return the numbers, for those with the right to see them. `now` is billing time."""
    if not request.user.has_perm(RIGHT):
        return None
    days = days_until(now.date())
    usage = usage_numbers(first=days[0], last=days[-1])
    return Glance(
        actions=[Cell("Download as CSV", link=reverse("admin:billing_numbers_csv"))],
        tiles=[*_customers(customers(now=now)), *_usage(usage), *_backlog()],
        charts=[_chart(usage, days=days)] if usage.by_plan else [],
        sections=[
            _margins("Margin by plan", "Plan", usage.by_plan),
            _margins("Margin by model", "Model", usage.by_model),
            _top(first=days[0], last=days[-1]),
            _broken(now=now),
        ],
    )


def _customers(found: Customers) -> Iterable[Tile]:
    accounts = reverse("admin:billing_billingaccount_changelist")
    yield Tile(label="MRR", value=format_cents(found.mrr_minor), detail="base prices of subscriptions that go on")
    yield Tile(
        label="Active subscriptions",
        value=f"{found.active + found.overdue:,}",
        detail=f"{found.overdue:,} overdue, {found.suspended:,} suspended",
        tone="warn" if found.overdue or found.suspended else "",
        link=f"{accounts}?status__exact=active",
    )
    yield Tile(
        label="Free trials",
        value=f"{found.trials:,}",
        detail=f"{_percent(found.conversion)} of {found.signed_up:,} sign-ups in {COHORT.days} days subscribed",
        link=f"{accounts}?status__exact=trial",
    )
    yield Tile(
        label="Churn", value=_percent(found.churn), detail=f"{found.ended:,} ended, {found.began:,} began in 30 days"
    )


def _usage(usage: UsageNumbers) -> Iterable[Tile]:
    total = usage.total
    costs = reverse("admin:billing_modelcost_changelist")
    lacking = f"Without a price of Claude's: {', '.join(usage.without_price)}" if usage.without_price else ""
    yield Tile(
        label="Usage revenue", value=_money(total.revenue_minor), detail=f"{total.requests:,} requests in {DAYS} days"
    )
    yield Tile(
        label="Margin on usage",
        value="Unknown" if lacking else _money(total.margin_minor),
        detail=lacking or f"{_percent(total.percent)}; Claude takes {_money(total.cost_minor)}",
        tone="warn" if lacking else "bad" if total.margin_minor < 0 else "",
        link=costs,
    )
    yield Tile(
        label="Cost of trials",
        value="Unknown" if lacking else _money(usage.trials.cost_minor),
        detail=f"{usage.trials.requests:,} free requests",
        link=costs,
    )
    yield Tile(
        label="Unaccounted requests",
        value=f"{usage.unaccounted:,}",
        detail="abandoned in 30 days, billed to nobody",
        tone="warn" if usage.unaccounted else "",
        link=f"{reverse('admin:billing_usagerecord_changelist')}?state=abandoned",
    )


def _backlog() -> Iterable[Tile]:
    unsent = MeterEvent.objects.filter(state__in=UNSENT).count()
    unposted = UsageRecord.objects.filter(posted_at=None).count()
    yield Tile(
        label="Outbox",
        value=f"{unsent:,}",
        detail=f"meter events to send; {unposted:,} records to post",
        link=reverse("admin:billing_meterevent_changelist"),
    )


def _chart(usage: UsageNumbers, *, days: list[date]) -> DrawnChart:
    values = revenue_by(usage.by_day, of=lambda margin: margin.revenue_minor)
    series = sorted(usage.by_plan, key=lambda plan: (-usage.by_plan[plan].revenue_minor, plan))
    chart = bar_chart(values, days=days, series=series, today=days[-1])
    return DrawnChart(title=f"Usage revenue, the last {DAYS} days", chart=chart)


def _margins(title: str, of: str, margins: Margins) -> Section:
    ordered = sorted(margins.items(), key=lambda item: (-item[1].revenue_minor, item[0]))
    return Section(
        title=title,
        headers=(of, "Requests", "Revenue", "Claude's cost", "Margin", "%"),
        rows=[[Cell(name), *_cells(margin)] for name, margin in ordered],
        none="No usage yet",
    )


def _top(*, first: date, last: date) -> Section:
    rows = [
        [
            Cell(organization, link=reverse("admin:accounts_organization_change", args=[organization.pk])),
            *_cells(margin),
        ]
        for organization, margin in top_customers(first=first, last=last)
    ]
    headers = ("Organization", "Requests", "Revenue", "Claude's cost", "Margin", "%")
    return Section(title="Top customers", headers=headers, rows=rows, none="No usage yet")


def _cells(margin: Margin) -> list[Cell]:
    return [
        Cell(f"{margin.requests:,}"),
        Cell(_money(margin.revenue_minor)),
        Cell(_money(margin.cost_minor)),
        Cell(_money(margin.margin_minor), tone="bad" if margin.margin_minor < 0 else ""),
        Cell(_percent(margin.percent)),
    ]


def _broken(*, now: datetime) -> Section:
    """List what went wrong since midnight, each with a link to its rows."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    newest_mails = NoticeMail.objects.order_by("-id").values("id")[:MAILS_LOOKED_AT]
    unsent = NoticeMail.objects.filter(id__in=newest_mails, state__in=["refused", "given_up"], ended_at__gte=today)
    counts = [
        ("Discrepancies found", Discrepancy.objects.filter(found_at__gte=today).count(), "billing_discrepancy"),
        ("Mails refused or given up", unsent.count(), "billing_noticemail"),
    ]
    rows = [
        [Cell(words, link=reverse(f"admin:{view}_changelist")), Cell(f"{count:,}", tone="bad")]
        for words, count, view in counts
        if count
    ]
    for run in TaskRun.objects.filter(failed_at__gte=today):
        rows.append([Cell(f"Task {run.name}: {run.last_error}"), Cell("failed", tone="bad")])
    return Section(title="Broke today", headers=("", ""), rows=rows, none="Nothing")


def _money(amount_minor: Decimal) -> str:
    return format_cents(round_to_cents(amount_minor))


def _percent(share: int | None) -> str:
    return "–" if share is None else f"{share} %"

"""The usage page, and its file."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.pages.access import member_page
from billing.money import exact_text
from billing.pages.frame import account_of, page_frame
from billing.pages.project_choices import project_choices
from billing.pages.usage_query import GROUPINGS, MEASURE_NAMES, RANGES, read_query
from billing.tokens import TOKEN_COLUMNS
from billing.usage.breakdown import MEASURES, Measure, break_down
from billing.usage.charts import bar_chart
from billing.usage.report import Dimension, UsageReport, usage_report
from common import clock
from common.rest.csv_table import csv_text

FILE_GROUPS = [Dimension.DAY, Dimension.MODEL, Dimension.KEY, Dimension.MEMBER, Dimension.PROJECT]
# Beyond these a table is cut off and points to the file.
MOST_ROWS = 100
FILE_COLUMNS = ["day", "model", "key", "member", "project", "requests", "failed_requests", *TOKEN_COLUMNS, "exact_usd"]


@require_safe
@member_page
def usage(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show where the organization's usage goes: a chart by day, and a table by the same groups."""
    account, context = page_frame(membership)
    query = read_query(request.GET, account=account, now=context["now"])
    broken_down = break_down(query.rows, group_by=query.group_by, measure=query.measure)
    before = break_down(query.rows_before, group_by=query.group_by, measure=query.measure)
    today = context["now"].date()
    context |= {
        "query": query,
        "ranges": [_Choice(label, query.address(range=word), word == query.range) for word, label in RANGES.items()],
        "groupings": [_Choice(label, query.address(by=by), by is query.group_by) for by, label in GROUPINGS.items()],
        "measures": [
            _Choice(MEASURE_NAMES[measure], query.address(measure=measure), measure is query.measure)
            for measure in MEASURES[query.group_by]
        ],
        "projects": project_choices(membership.organization_id),
        "grouping": GROUPINGS[query.group_by],
        "measure": MEASURE_NAMES[query.measure],
        "is_cost": query.measure is Measure.COST,
        "shares": broken_down.shares[:MOST_ROWS],
        "most_rows": MOST_ROWS,
        "usage": broken_down,
        "before": before,
        "change": _change(broken_down.amount, before=before.amount),
        "chart": bar_chart(
            broken_down.days,
            days=query.days(today=today),
            series=broken_down.series,
            today=today,
            whole=query.measure is not Measure.COST,
        ),
    }
    return render(request, "billing/usage.html", context)


@require_safe
@member_page
def usage_file(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Return the usage of the same range as CSV, by day, model, key and project, with exact costs in dollars."""
    account, now = account_of(membership), clock.now()
    account.enter_period(now=now)
    query = read_query(request.GET, account=account, now=now)
    report = usage_report(usage=query.rows, group_by=FILE_GROUPS)
    name = f"usage-{query.covered.starts_at:%Y-%m-%d}-to-{query.covered.ends_at:%Y-%m-%d}.csv"
    return HttpResponse(
        csv_text(FILE_COLUMNS, _file_rows(report)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """A link to the same page with one part of the query changed."""

    label: str
    address: str
    is_chosen: bool


def _change(amount: Decimal, *, before: Decimal) -> str:
    """Return the change in percent, with its sign; nothing where there was nothing before."""
    if not before:
        return ""
    percent = round(100 * (amount - before) / before)
    return f"{'+' if percent > 0 else chr(0x2212) if percent else ''}{abs(percent):,} %"


def _file_rows(report: UsageReport) -> Iterator[dict[str, Any]]:
    for group, totals in report.rows:
        yield {
            "day": group.day,
            "model": group.model,
            "key": group.key_name,
            "member": group.member_email,
            "project": group.project,
            "requests": totals.requests,
            "failed_requests": totals.failed_requests,
            **{name: getattr(totals.usage, name) for name in TOKEN_COLUMNS},
            "exact_usd": exact_text(totals.cost_minor),
        }

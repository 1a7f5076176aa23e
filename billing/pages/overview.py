"""The overview page."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.pages.access import member_page
from billing.bills.current import current_bill
from billing.pages.frame import account_with_bill, frame_of
from billing.pages.onboarding import first_steps
from billing.pages.usage_query import read_query
from billing.plans.price_lists import price_list
from billing.usage.breakdown import break_rows_down
from billing.usage.charts import bar_chart
from billing.usage.totals import newest_requests, usage_by_model


@require_safe
@member_page
def overview(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show plan, usage, the coming charge, and the next steps."""
    account = account_with_bill(membership)
    context = frame_of(account, membership)
    bill = current_bill(account=account, now=context["now"])
    steps = first_steps(membership=membership, account=account)
    query = read_query(QueryDict(), account=account, now=context["now"])
    usage = break_rows_down(bill.usage, group_by=query.group_by, measure=query.measure)
    context |= {
        "bill": bill,
        "usage": usage_by_model(bill.usage, period=account.period),
        "requests": newest_requests(organization_id=account.organization_id),
        "chart": bar_chart(
            usage.days,
            days=query.days(today=context["now"].date()),
            series=usage.series,
            today=context["now"].date(),
        ),
        "steps": steps if not all(step.done for step in steps) else [],
        "steps_done": sum(step.done for step in steps),
        "quickstart_model": next(iter(price_list(plan_id=account.plan_id, priced_at=account.priced_at).models), ""),
    }
    return render(request, "billing/overview.html", context)

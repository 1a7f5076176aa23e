"""Pages of changing the plan: a switch with its preview, the end of the subscription, and taking that back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager, require_member
from billing.bills.invoices import InvoiceLine
from billing.models import BillingAccount, Plan
from billing.money import format_cents
from billing.pages.frame import account_of, page_frame
from billing.pages.price_table import PlanOnSale, plans_on_sale
from billing.pages.telling import told
from billing.plans.price_lists import price_list
from billing.subscriptions.plan_changes import PlanChangePreview, cancel_later, cancel_now, change_plan, preview_plan
from billing.subscriptions.plan_changes import resume as take_back_end
from billing.subscriptions.planned_switches import forget_planned_switch, plan_switch
from common import clock

NOW, AT_RENEWAL = "now", "renewal"
WHEN = [(NOW, "Now"), (AT_RENEWAL, "At renewal")]


class SwitchForm(forms.Form):
    """The plan to switch to, and when. `at` is the instant of the preview that the customer saw."""

    plan = forms.ModelChoiceField(Plan.objects.none(), to_field_name="code")
    when = forms.ChoiceField(choices=WHEN, required=False)
    at = forms.DateTimeField(required=False)

    def __init__(self, *args: Any, account: BillingAccount) -> None:
        super().__init__(*args)
        offered = Plan.objects.on_sale(organization_id=account.organization_id).paid()
        self.fields["plan"].queryset = offered  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchReceipt:
    """The preview of a switch, ready for a page. `due` is paid at once; `credit` is kept for the next invoice."""

    at: datetime
    lines: tuple[InvoiceLine, ...]
    total: str
    due: str
    credit: str


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def switch(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show what switching to `?plan=` costs, or the plans to choose from; a POST switches, now or at renewal."""
    require_manager(membership)
    account, context = page_frame(membership)
    if request.method == "POST":
        return _make_switch(request, account)
    on_sale = plans_on_sale(organization_id=account.organization_id)
    offered = [each for each in on_sale if not each.is_trial and each.code != account.plan.code]
    wanted = next((each for each in offered if each.code == request.GET.get("plan")), None)
    if wanted is None:
        return render(request, "billing/plan_choice.html", {**context, "plans": offered, "switching": True})
    require_member(membership)  # before a preview, usage is sent to Stripe
    with told(request):
        plan = Plan.objects.get(code=wanted.code)
        preview = preview_plan(account=account, plan=plan, now=context["now"])
        return render(request, "billing/plan_switch.html", {**context, **_receipt(account, wanted, preview)})
    return redirect("billing")


def _make_switch(request: HttpRequest, account: BillingAccount) -> HttpResponse:
    form = SwitchForm(request.POST, account=account)
    if not form.is_valid():
        messages.error(request, "This plan is not on sale. Choose one of those below.")
        return redirect("switch_plan")
    plan: Plan = form.cleaned_data["plan"]
    with told(request):
        if form.cleaned_data["when"] == AT_RENEWAL:
            planned = plan_switch(account=account, plan=plan)
            messages.success(
                request, f"You switch to {plan} on {planned.renews_at:%-d %b %Y}. Until then nothing changes."
            )
        else:
            change_plan(account=account, plan=plan, now=clock.now(), at=form.cleaned_data["at"])
            messages.success(request, f"You are on {plan} now.")
    return redirect("billing")


@require_POST
@member_page
def keep(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Take back a switch that was planned for the renewal."""
    require_manager(membership)
    account = account_of(membership)
    if forget_planned_switch(account=account):
        messages.success(request, f"You stay on {account.plan}.")
    else:
        messages.info(request, "No switch is planned.")
    return redirect("billing")


@require_POST
@member_page
def cancel(request: HttpRequest, membership: Membership) -> HttpResponse:
    """End the subscription: with its period, or with `when=now` at once."""
    require_manager(membership)
    account = account_of(membership)
    with told(request):
        if request.POST.get("when") == NOW:
            cancel_now(account=account, now=clock.now())
            messages.success(request, "The subscription has ended. Its last invoice has the usage so far.")
        else:
            cancel_later(account=account)
            ends_at = account_of(membership).cancel_at
            on = f" on {ends_at:%-d %b %Y}" if ends_at else " with its period"
            messages.success(request, f"The subscription ends{on}. Until then you can take that back.")
    return redirect("billing")


@require_POST
@member_page
def resume_plan(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Take the planned end of the subscription back."""
    require_manager(membership)
    with told(request):
        take_back_end(account=account_of(membership))
        messages.success(request, "The subscription goes on, and renews as before.")
    return redirect("billing")


def _receipt(account: BillingAccount, plan: PlanOnSale, preview: PlanChangePreview) -> dict[str, Any]:
    total_minor = preview.total_minor
    receipt = SwitchReceipt(
        at=preview.at,
        lines=preview.lines,
        total=format_cents(total_minor),
        due=format_cents(max(total_minor, 0)),
        credit=format_cents(-total_minor) if total_minor < 0 else "",
    )
    return {"plan": plan, "receipt": receipt, "current": account.plan, "lost_models": _lost_models(account, plan)}


def _lost_models(account: BillingAccount, plan: PlanOnSale) -> list[str]:
    """Return the models of the present plan that the other one lacks."""
    present = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    return sorted(set(present.models) - set(plan.models))

"""The page on which standing subscribers of a plan are moved: first a preview, then the moves."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from billing.models import BillingAccount, Plan, PlanMove, PlanVersion
from billing.plans.versions import offered_version
from billing.subscriptions.move_preview import preview_moves
from billing.subscriptions.moves import plan_moves, subscribers, to_be_moved
from common import clock

# A preview that is older tells other amounts than the move would have.
PREVIEW_HOLDS = timedelta(hours=1)


class MoveForm(forms.Form):
    """Where to, when, and with how long a notice. `as_of` is the instant of the preview, in billing time."""

    to_plan = forms.ModelChoiceField(
        label="To the prices on offer of", queryset=Plan.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    when = forms.ChoiceField(label="When", choices=PlanMove.When.choices, widget=UnfoldAdminRadioSelectWidget())
    notice_days = forms.IntegerField(
        label="Days of notice",
        min_value=0,
        max_value=365,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Owners and admins are mailed at once; nothing is moved before these days are over.",
    )
    as_of = forms.DateTimeField(required=False, widget=forms.HiddenInput())
    accounts = forms.ModelMultipleChoiceField(queryset=BillingAccount.objects.none(), required=False)

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        published = Plan.objects.filter(versions__offered=True).distinct().order_by("position", "id")
        self.fields["to_plan"].queryset = published  # type: ignore[attr-defined]
        self.fields["accounts"].queryset = subscribers(plan=plan)  # type: ignore[attr-defined]

    @property
    def version(self) -> PlanVersion:
        """The version to move to."""
        version = offered_version(plan=self.cleaned_data["to_plan"])
        assert version is not None  # noqa: S101 - the field offers no other plans
        return version

    @property
    def notice(self) -> timedelta:
        """The days of notice."""
        return timedelta(days=self.cleaned_data["notice_days"])


def move_page(request: HttpRequest, *, plan: Plan) -> HttpResponse:
    """Show who can be moved and what that means; with `plan` posted, plan the moves of those that are ticked."""
    if request.method != "POST":
        initial = {"to_plan": plan, "when": PlanMove.When.RENEWAL, "notice_days": settings.PRICE_NOTICE_DAYS}
        return _page(request, plan, form=MoveForm(plan=plan, initial=initial))
    form = MoveForm(request.POST, plan=plan)
    if not form.is_valid() or "plan" not in request.POST:
        return _page(request, plan, form=form)
    now, as_of = clock.now(), form.cleaned_data["as_of"]
    if as_of is None or not now - PREVIEW_HOLDS < as_of <= now:
        messages.warning(request, "The preview is old. Nothing was planned: look at it again.")
        return _page(request, plan, form=form)
    return _plan(request, form, as_of=as_of)


def _plan(request: HttpRequest, form: MoveForm, *, as_of: datetime) -> HttpResponse:
    moves = plan_moves(
        accounts=form.cleaned_data["accounts"],
        version=form.version,
        when=form.cleaned_data["when"],
        notice=form.notice,
        planned_by=request.user if request.user.is_authenticated else None,
        now=as_of,
    )
    if moves:
        messages.success(request, f"{len(moves)} moves are planned. They stand in this journal, and can be called off.")
    else:
        messages.info(request, "Nobody was chosen who is not there, or on the way there, already.")
    return redirect("admin:billing_planmove_changelist")


def _page(request: HttpRequest, plan: Plan, *, form: MoveForm) -> HttpResponse:
    """Render the form, with the preview where it is filled in."""
    now = clock.now()
    chosen = _previewed(form, plan) if form.is_bound and form.is_valid() else None
    context = {
        **admin.site.each_context(request),
        "title": f"Move subscribers of {plan}",
        "plan": plan,
        "form": form,
        "as_of": now.isoformat(),
        "previews": None
        if chosen is None
        else preview_moves(
            accounts=chosen,
            version=form.version,
            when=form.cleaned_data["when"],
            notice=form.notice,
            now=now,
        ),
    }
    return TemplateResponse(request, "admin/billing/move_subscribers.html", context)


def _previewed(form: MoveForm, plan: Plan) -> QuerySet[BillingAccount]:
    """Return who would be moved: those that were ticked before, or everybody who is not there already."""
    ticked = form.cleaned_data["accounts"]
    return to_be_moved(ticked or subscribers(plan=plan), version=form.version)

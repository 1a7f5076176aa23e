"""The log of an organization's requests, and the page of one of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import ApiKey, Membership
from accounts.pages.access import member_page
from billing.keys.listing import keys_of
from billing.models import DailyUsage, UsageRecord
from billing.money import EXACT, format_exact
from billing.pages.frame import page_frame
from billing.pages.project_choices import project_choices
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass
from billing.usage.request_log import RequestFilter, RequestNotFound, request_of, requests_of
from billing.usage.totals import STATE_LABELS, recent_request
from common.rest.paging import MAX_ID, page_of

PAGE_SIZE = 50
STATES = [("", "Any state"), *((state.value, label) for state, (label, _) in STATE_LABELS.items())]


class RequestForm(forms.Form):
    """The filter of the log. Half a filter or a wrong one is shown with its error, over an unfiltered log."""

    state = forms.ChoiceField(choices=STATES, required=False)
    model = forms.ChoiceField(required=False)
    key = forms.ModelChoiceField(queryset=ApiKey.objects.none(), required=False, empty_label="Any key")
    project = forms.ChoiceField(required=False)
    id = forms.CharField(label="Request id", max_length=40, required=False)
    before = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=MAX_ID)

    def __init__(self, *args: Any, organization_id: int, **options: Any) -> None:
        super().__init__(*args, **options)
        used = DailyUsage.objects.filter(organization_id=organization_id).values_list("model", flat=True)
        models = [(model, model) for model in used.distinct().order_by("model")]
        self.fields["model"].choices = [("", "Any model"), *models]  # type: ignore[attr-defined]
        self.fields["project"].choices = project_choices(organization_id)  # type: ignore[attr-defined]
        self.fields["key"].queryset = keys_of(organization_id=organization_id).order_by("name", "id")  # type: ignore[attr-defined]

    def wanted(self) -> RequestFilter:
        """Return the filter. An invalid form filters nothing."""
        data = self.cleaned_data if self.is_valid() else {}
        return RequestFilter(
            state=data.get("state") or None,
            model=data.get("model") or None,
            key_id=data["key"].id if data.get("key") else None,
            project=data.get("project") or None,
        )


@dataclass(frozen=True, slots=True)
class CostLine:
    """One class of tokens of a request: tokens times rate is the amount, in exact cents."""

    label: str
    tokens: int
    per_million: str
    amount_minor: Decimal

    @property
    def amount(self) -> str:
        """The amount, exactly."""
        return format_exact(self.amount_minor)


@require_safe
@member_page
def requests(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's requests, the newest first, as the filter wants them."""
    _, context = page_frame(membership)
    form = RequestForm(request.GET, organization_id=membership.organization_id)
    wanted = form.wanted()
    if request_id := form.cleaned_data.get("id"):
        return redirect("request", request_id=request_id)
    rows = requests_of(organization_id=membership.organization_id, wanted=wanted)
    records, has_more = page_of(rows, limit=PAGE_SIZE, after=form.cleaned_data.get("before"))
    kept = {name: request.GET[name] for name in ("state", "model", "key", "project") if request.GET.get(name)}
    context |= {
        "form": form,
        "requests": [recent_request(record) for record in records],
        "is_filtered": bool(kept),
        "is_later_page": bool(form.cleaned_data.get("before")),
        "newest": urlencode(kept),
        "older": urlencode({**kept, "before": records[-1].id}) if has_more else "",
    }
    return render(request, "billing/requests.html", context)


@require_safe
@member_page
def request_detail(request: HttpRequest, membership: Membership, *, request_id: str) -> HttpResponse:
    """Show one request: when it ran, how it ended, and how its cost adds up."""
    _, context = page_frame(membership)
    try:
        record = request_of(organization_id=membership.organization_id, request_id=request_id)
    except RequestNotFound as error:
        raise Http404(str(error)) from error
    context |= {
        "record": record,
        "request_row": recent_request(record),
        "lines": cost_lines(record),
        "took": record.settled_at - record.begun_at if record.settled_at else None,
        "ended_well": record.state == UsageRecord.State.SETTLED,
    }
    return render(request, "billing/request.html", context)


def cost_lines(record: UsageRecord) -> list[CostLine]:
    """Return how a request's cost adds up, by the prices it was made at. A free or failed one has tokens alone."""
    rates = price_list(plan_id=record.plan_id, priced_at=record.priced_at).rates.get(record.model, {})
    return [
        CostLine(
            label=token_class.label,
            tokens=tokens,
            per_million=format_exact(EXACT.multiply(rate, Decimal(1_000_000))),
            amount_minor=EXACT.multiply(rate, Decimal(tokens)),
        )
        for token_class in TokenClass
        if (tokens := record.usage.tokens_of(token_class))
        for rate in [Decimal(0) if record.trial else rates.get(token_class, Decimal(0))]
    ]

"""Starting a reconciliation from admin, for one organization or for all, and its result."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts.models import Organization
from billing.reconciliation.differences import Report
from billing.reconciliation.run import reconcile
from common import clock
from common.numbers import whole_number

# A page may take this long. A run over all organizations goes on where it stopped when it is started again.
RUNS_FOR_S = 20.0


class ReconciliationForm(forms.Form):
    """The organization to compare, all where none is given, and whether to repair."""

    organization = forms.CharField(
        required=False,
        max_length=150,
        label="Organization, by name or number",
        help_text=f"Empty: all, for {RUNS_FOR_S:.0f} seconds. Started again, it goes on with the rest.",
        widget=UnfoldAdminTextInputWidget(),
    )
    repair = forms.BooleanField(required=False, label="Repair where that is safe", widget=UnfoldBooleanWidget())

    def clean_organization(self) -> int | None:
        """Return the organization's number. Raises ValidationError where it is none, or one of several."""
        text = str(self.cleaned_data["organization"]).strip()
        if not text:
            return None
        number = whole_number(text)
        found = Organization.objects.filter(name=text) if number is None else Organization.objects.filter(id=number)
        ids = list(found.order_by("id").values_list("id", flat=True)[:2])
        if len(ids) != 1:
            raise forms.ValidationError(
                "No organization is called that." if not ids else "Several are: give its number."
            )
        return ids[0]


class ReconcilingAdmin:
    """The page of a reconciliation, above the list of discrepancies."""

    admin_site: Any
    opts: Any
    actions_list = ["reconcile"]

    def has_reconcile_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow everyone who may change discrepancies."""
        return request.user.has_perm("billing.change_discrepancy")

    @action(description="Reconcile now", url_path="reconcile", permissions=["reconcile"])
    def reconcile(self, request: HttpRequest) -> HttpResponse:
        """Ask whom to compare; a POST compares, and shows what differs."""
        form = ReconciliationForm(request.POST if request.method == "POST" else None)
        report = _run(form.cleaned_data) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Reconcile",
            "opts": self.opts,
            "form": form,
            "report": report,
            "rows": _rows(report) if report else [],
            "clean": report is not None and not report.differences,
        }
        return TemplateResponse(request, "admin/billing/reconcile.html", context)


def _run(wanted: dict[str, Any]) -> Report:
    limit_s = RUNS_FOR_S if wanted["organization"] is None else None
    return reconcile(
        now=clock.now(), organization_id=wanted["organization"], repair=wanted["repair"], stop_after_s=limit_s
    )


def _rows(report: Report) -> list[dict[str, str]]:
    """Return the differences, ready for the page."""
    return [
        {
            "organization": str(each.organization_id),
            "kind": str(each.kind.label),
            "subject": each.subject,
            "expected": f"{each.expected:,}",
            "found": f"{each.found:,}",
            "detail": each.detail,
            "repair": report.repairs.get(each.subject, ""),
        }
        for each in report.differences
    ]

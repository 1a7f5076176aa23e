"""Discrepancies, and marking one as resolved."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from billing.admin.reconciling import ReconcilingAdmin
from billing.metering.discrepancies import resolve_discrepancy
from billing.models import Discrepancy


class OpenFilter(admin.SimpleListFilter):
    """Shows open ones by default."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices beside the default, which is the open ones."""
        return [("resolved", "Resolved"), ("all", "Open and resolved")]

    def choices(self, changelist: Any) -> Any:
        """Name the default."""
        default, *others = super().choices(changelist)
        return [{**default, "display": "Open"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> QuerySet[Discrepancy]:
        """Keep open ones, resolved ones, or all."""
        return queryset if self.value() == "all" else queryset.filter(resolved_at__isnull=self.value() != "resolved")


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReconcilingAdmin, ReadOnlyAdmin):
    """Differences that reconciliation found. One that is gone resolves itself; an explained one is resolved here."""

    list_display = ["found_at", "organization", "kind", "subject", "expected_tokens", "found_tokens", "resolved_at"]
    list_filter = [OpenFilter, "kind", "found_at"]
    list_select_related = ["organization"]
    search_fields = ["subject", "organization__name"]
    fields = readonly_fields = [
        "organization",
        "kind",
        "subject",
        "period_starts_at",
        "expected_tokens",
        "found_tokens",
        "detail",
        "found_at",
        "resolved_at",
    ]
    actions = ["resolve"]

    @display(description="Expected, tokens")
    def expected_tokens(self, row: Discrepancy) -> str:
        """Show the expected figure."""
        return "" if row.expected is None else f"{row.expected:,}"

    @display(description="Found, tokens")
    def found_tokens(self, row: Discrepancy) -> str:
        """Show the found figure."""
        return "" if row.found is None else f"{row.found:,}"

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        """Allow resolving to everyone who may change discrepancies."""
        return request.user.has_perm("billing.change_discrepancy")

    @admin.action(description="Mark as resolved", permissions=["resolve"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> None:
        """Resolve the chosen ones. The next reconciliation finds one that persists again."""
        resolved = 0
        for row in queryset.filter(resolved_at__isnull=True).order_by("id"):
            kind = Discrepancy.Kind(row.kind)
            if resolve_discrepancy(organization_id=row.organization_id, kind=kind, subject=row.subject):
                self.log_change(request, row, "Resolved.")
                resolved += 1
        self.message_user(request, f"{resolved} resolved.", messages.SUCCESS if resolved else messages.INFO)

"""The page of an organization: what may be done about it, its figures, its lists."""

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Organization
from billing.admin.glance.lists import Subject, lists_of
from billing.admin.glance.parts import Cell, Glance
from billing.admin.glance.tiles import tiles_of
from billing.bills.invoices import invoices_of
from billing.limits.stops import is_stopped
from billing.models import BillingAccount
from common import clock

# Right, words, form: each is opened with the organization filled in.
ACTIONS = (
    ("billing.add_stop", "Suspend", "billing_stop_add"),
    ("billing.add_creditgrant", "Grant credits", "billing_creditgrant_add"),
)


def glance_at(organization: Organization, *, request: HttpRequest) -> Glance:
    """Return the page, with what this reader may see."""
    now = clock.now()
    account = BillingAccount.objects.select_related("plan", "organization").filter(organization=organization).first()
    invoices = invoices_of(customer_id=account.stripe_customer_id) if account else []
    subject = Subject(request=request, organization=organization, account=account, invoices=invoices, now=now)
    sees_money = request.user.has_perm("billing.view_billingaccount")
    return Glance(
        actions=_actions(organization, request=request),
        tiles=tiles_of(organization, account, invoices=invoices, now=now) if sees_money else [],
        sections=lists_of(subject),
    )


def _actions(organization: Organization, *, request: HttpRequest) -> list[Cell]:
    stopped = is_stopped(organization_id=organization.pk)
    restore = Cell("Restore", link=f"{reverse('admin:billing_stop_changelist')}?q={organization.name}")
    offered = [
        restore if stopped and view == "billing_stop_add" else Cell(words, link=_filled(view, organization))
        for right, words, view in ACTIONS
        if request.user.has_perm(right)
    ]
    return offered if organization.closed_at is None else []


def _filled(view: str, organization: Organization) -> str:
    return f"{reverse(f'admin:{view}')}?organization={organization.pk}"

"""The short lists of an organization, each for those who may view its rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from accounts.audit import entries_of
from accounts.models import Invitation, Membership, Organization
from billing.admin.glance.parts import Cell, Section
from billing.admin.glance.tiles import at_stripe
from billing.bills.invoices import InvoiceSummary
from billing.keys.listing import KeyRow, key_rows, keys_of
from billing.models import BillingAccount, Discrepancy, NoticeMail
from billing.money import format_exact
from billing.usage.totals import newest_requests

SHORT = 8
KEYS_A_PAGE = 10
KEY_TONES = {"active": "good", "expired": "warn", "revoked": "bad"}
MAIL_TONES = {"sent": "good", "refused": "bad", "given_up": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The organization that a page is about, and the request for the page."""

    request: HttpRequest
    organization: Organization
    account: BillingAccount | None
    invoices: Sequence[InvoiceSummary]
    now: datetime


def lists_of(subject: Subject) -> list[Section]:
    """Return the lists that the reader may see."""
    return [make(subject) for right, make in LISTS if subject.request.user.has_perm(right)]


def _keys(subject: Subject) -> Section:
    keys = keys_of(organization_id=subject.organization.pk).order_by("revoked_at", "-created_at", "-id")
    page = Paginator(keys, KEYS_A_PAGE).get_page(subject.request.GET.get("keys"))
    account = subject.account
    rows = key_rows(page, account=account, now=subject.now) if account else []
    return Section(
        title="API keys",
        is_wide=True,
        headers=("Key", "Name", "State", "Models", "Cap", "Last used"),
        rows=[_key(row) for row in rows],
        count=page.paginator.count,
        previous=f"?keys={page.previous_page_number()}" if page.has_previous() else "",
        next=f"?keys={page.next_page_number()}" if page.has_next() else "",
        link=f"{reverse('admin:accounts_apikey_changelist')}?q={subject.organization.name}",
    )


def _key(row: KeyRow) -> list[Cell]:
    meter = row.meter
    cap = f"{meter.cap}: {meter.spent} spent, {meter.held or '$0.00'} held, {meter.left} left" if meter else "None"
    return [
        Cell(row.hint, link=reverse("admin:accounts_apikey_change", args=[row.id])),
        Cell(row.name),
        Cell(row.state.capitalize(), tone=KEY_TONES[row.state]),
        Cell(", ".join(row.models) or "All of the plan's"),
        Cell(cap),
        Cell(_instant(row.last_used_at)),
    ]


def _members(subject: Subject) -> Section:
    members = Membership.objects.filter(organization=subject.organization).select_related("user").order_by("id")
    rows = [
        [
            Cell(member.user.email, link=reverse("admin:accounts_user_change", args=[member.user_id])),
            Cell(member.get_role_display()),
            Cell(_instant(member.user.last_login)),
        ]
        for member in members[:SHORT]
    ]
    return Section(
        title="Members",
        headers=("Person", "Role", "Last sign-in"),
        rows=rows,
        link=_list_of("accounts_membership", subject),
    )


def _invitations(subject: Subject) -> Section:
    invitations = Invitation.objects.filter(organization=subject.organization, accepted_at=None).order_by("-id")
    rows = [
        [Cell(each.email), Cell(each.get_role_display()), Cell(_instant(each.expires_at))]
        for each in invitations[:SHORT]
    ]
    return Section(title="Invitations", headers=("Address", "Role", "Ends"), rows=rows)


def _invoices(subject: Subject) -> Section:
    rows = [
        [
            Cell(each.number, link=at_stripe("invoices", each.stripe_id)),
            Cell(each.days),
            Cell(each.status, tone=each.tone),
            Cell(each.total),
        ]
        for each in subject.invoices[:SHORT]
    ]
    return Section(
        title="Invoices", headers=("Number", "Period", "Status", "Total"), rows=rows, count=len(subject.invoices)
    )


def _requests(subject: Subject) -> Section:
    found = newest_requests(organization_id=subject.organization.pk, limit=SHORT)
    rows = [
        [
            Cell(each.request_id, link=f"{reverse('admin:billing_usagerecord_changelist')}?q={each.request_id}"),
            Cell(_instant(each.begun_at)),
            Cell(each.model),
            Cell(each.state, tone=each.tone),
            Cell(f"{each.input_tokens + each.output_tokens:,}"),
            Cell(format_exact(each.cost_minor)),
        ]
        for each in found
    ]
    return Section(
        title="Newest requests",
        is_wide=True,
        headers=("Request", "Begun, UTC", "Model", "State", "Tokens", "Cost"),
        rows=rows,
        link=_list_of("billing_usagerecord", subject),
    )


def _events(subject: Subject) -> Section:
    rows = [
        [Cell(_instant(each.at)), Cell(each.actor_name), Cell(f"{each.act} {each.detail}".strip())]
        for each in entries_of(organization_id=subject.organization.pk)[:SHORT]
    ]
    return Section(
        title="Log", headers=("At, UTC", "By", "Act"), rows=rows, link=_list_of("accounts_auditentry", subject)
    )


def _mails(subject: Subject) -> Section:
    mails = NoticeMail.objects.filter(notice__organization=subject.organization).select_related("notice", "user")
    rows = [
        [
            Cell(each.notice.get_kind_display(), link=_row("billing_noticemail", each)),
            Cell(each.user.email),
            Cell(each.get_state_display(), tone=MAIL_TONES.get(each.state, "")),
            Cell(_instant(each.ended_at)),
        ]
        for each in mails.order_by("-id")[:SHORT]
    ]
    return Section(title="Mails", headers=("About", "To", "State", "At, UTC"), rows=rows)


def _discrepancies(subject: Subject) -> Section:
    found = Discrepancy.objects.filter(organization=subject.organization, resolved_at=None).order_by("-id")
    rows = [
        [
            Cell(each.get_kind_display(), link=_row("billing_discrepancy", each), tone="bad"),
            Cell(each.subject),
            Cell(_instant(each.found_at)),
        ]
        for each in found[:SHORT]
    ]
    return Section(
        title="Open discrepancies",
        headers=("Kind", "Subject", "Found, UTC"),
        rows=rows,
        link=_list_of("billing_discrepancy", subject),
    )


LISTS: Iterable[tuple[str, Callable[[Subject], Section]]] = (
    ("accounts.view_apikey", _keys),
    ("billing.view_usagerecord", _requests),
    ("djstripe.view_invoice", _invoices),
    ("accounts.view_membership", _members),
    ("accounts.view_auditentry", _events),
    ("billing.view_noticemail", _mails),
    ("billing.view_discrepancy", _discrepancies),
    ("accounts.view_invitation", _invitations),
)


def _row(view: str, row: Model) -> str:
    return reverse(f"admin:{view}_change", args=[row.pk])


def _list_of(view: str, subject: Subject) -> str:
    return f"{reverse(f'admin:{view}_changelist')}?organization__id__exact={subject.organization.pk}"


def _instant(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "Never"

"""The cast of the walk through Django admin: a row of everything, and staff of every degree."""

import re
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, TermsAcceptance, User
from billing.models import ModelCard, ModelCost, ModelRetirement, Stop
from tests.admin.cast import make_cast
from tests.factories import make_user
from tests.walk.people import browser_of
from tests.walk.stripe_rows import (
    make_credits,
    make_delivery,
    make_invoice,
    make_invoice_hold,
    make_late_usage,
    make_notice_mail,
    make_other_rows,
    make_plan_move,
    make_stripe_customer,
)

TABLE_OF = re.compile(r"/admin/(\w+/\w+)/")
# Values for the places of addresses that are about no table.
ELSEWHERE = {r"<path:row>": "1/1/", r"<path:content_type_id>/<path:object_id>": "1/1", r"(?P<url>.*)$": "nowhere"}
ELSEWHERE |= {"<app_label>": "billing"}


@dataclass(frozen=True, slots=True)
class Staff:
    """The people who walk through the admin, by role."""

    people: dict[str, User]
    browsers: dict[str, Client]

    def give_rights_around(self, table: str) -> None:
        """Give `elsewhere` all rights but those on a table, and `viewer` the right to view that table alone."""
        app_label, _, model_name = table.partition("/")
        here = Permission.objects.filter(content_type__app_label=app_label, content_type__model=model_name)
        self.people["elsewhere"].user_permissions.set(Permission.objects.exclude(pk__in=here))
        self.people["viewer"].user_permissions.set(here.filter(codename=f"view_{model_name}"))


def make_staff() -> Staff:
    """Make a row for every table, and the people."""
    cast = make_cast()
    customer = make_stripe_customer(cast.organization)
    make_invoice(customer)
    make_other_rows(customer)
    make_invoice_hold(cast.organization)
    make_late_usage(cast.organization)
    make_plan_move(cast.organization)
    ModelRetirement.objects.create(model="claude-old", retires_at=timezone.now())
    ModelCard.objects.create(model="claude-old", name="Old", context_tokens=1, most_output_tokens=1)
    ModelCost.objects.create(model="claude-old", kind="output", price=5, valid_from="2026-01-01")
    Stop.objects.create(model="claude-old", reason="Broken")
    make_notice_mail(cast.owner, cast.organization)
    make_delivery(cast.organization)
    make_credits(cast.organization)
    Group.objects.create(name="Support")
    Authenticator.objects.create(user=cast.owner, type=Authenticator.Type.TOTP, data={"secret": "encrypted"})
    TermsAcceptance.objects.create(user=cast.owner, version="1", accepted_at=timezone.now())
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email)
    people = {role: make_user(is_staff=True) for role in ("staff", "elsewhere", "viewer", "full")}
    people["full"].user_permissions.set(Permission.objects.all())
    people |= {"customer": cast.owner, "superuser": User.objects.create_superuser("root@example.com")}
    browsers = {role: browser_of(person) for role, person in people.items()}
    return Staff(people=people, browsers={"nobody": Client(raise_request_exception=False), **browsers})


def table_of(call: str) -> str:
    """Return the table that a call of the admin is about, as `app/model`; nothing where it is about none."""
    found = TABLE_OF.search(call)
    known = {model._meta.label_lower.replace(".", "/") for model in apps.get_models()}
    return found[1] if found and found[1] in known else ""


def filled_call(call: str) -> str:
    """Return a call without its action, and with a row's id or what else its address asks for."""
    method, address, *_ = call.split(" ")
    for place, value in ELSEWHERE.items():
        address = address.replace(place, value)
    if table := table_of(call):
        row = _row_of(table)
        version = f"{row.pk}/history/{row.history.first().pk}/" if "([^/]+)" in address else ""
        address = re.sub(r"<(path:)?(object_)?id>", str(row.pk), address).replace("^([^/]+)/history/([^/]+)/$", version)
    return f"{method} {address}"


def form_of(call: str) -> dict[str, Any]:
    """Return what is posted: an action with its row, a confirmation, or the fields that a form asks for."""
    table = table_of(call)
    pk = _row_of(table).pk if table else None
    if len(words := call.split(" ")) == 3:
        return {"action": words[2], "_selected_action": pk, "post": "yes"}
    if call == "POST /admin/billing/discrepancy/reconcile/":
        return {"organization": "Nobody"}
    if call == "POST /admin/accounts/membership/add/":
        membership = Membership.objects.get()
        person = User.objects.get(is_superuser=True)
        return {"organization": membership.organization_id, "user": person.pk, "role": "member"}
    return {
        "post": "yes",
        "_form_submitted": "on",
        "name": "Named",
        "role": "member",
        "expires_at_0": "2030-01-01",
        "expires_at_1": "12:00",
    }


def _row_of(table: str) -> Any:
    """Return a row of a table."""
    row = apps.get_model(table.replace("/", "."))._default_manager.order_by("pk").first()
    assert row is not None, f"make_staff makes no row of {table}"
    return row

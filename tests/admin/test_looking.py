"""Staff look at an organization's portal: by right, for a while, with a banner, in its log, and without any power."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, User
from billing.models import BillingAccount, Plan
from tests.admin.cast import NOON, Cast
from tests.walk.addresses import page_addresses

# What these change is the own account of the person who looks, and the looking itself.
PROFILE = "/app/settings/"
OWN = ("/app/settings/sessions/", "/app/settings/close", "/app/terms", "/app/invitations/", "/app/organization")
OWN = (*OWN, "/app/looking/stop", "/app/notifications")


@pytest.fixture
def support(db):
    """A browser of somebody who may read, and look."""
    person = User.objects.create_user("support@rgent.example", is_staff=True)
    rights = ["view_organization", "look_into_organization"]
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(person)
    return client


def look(client: Client, cast: Cast, reason: str = "Ticket 7"):
    url = f"/admin/accounts/organization/{cast.organization.pk}/look/"
    return client.post(url, {"reason": reason, "_form_submitted": "on"})


def of_the_organization() -> list[str]:
    """Return the addresses of the portal that show or change an organization, with 1 for each id."""
    addresses = [path for path in sorted(page_addresses()) if path.startswith("/app/") and path != PROFILE]
    return [re.sub("<[^>]+>", "1", path) for path in addresses if not path.startswith(OWN)]


def test_staff_see_the_portal_of_an_organization_under_a_banner(support: Client, cast: Cast) -> None:
    answer = look(support, cast)
    page = support.get(reverse("keys")).content.decode()

    assert (answer.status_code, answer["location"]) == (302, reverse("overview"))
    assert "You look at <strong>Acme Inc.</strong>" in page
    assert cast.api_key.name in page


def test_its_log_tells_that_support_looked(support: Client, cast: Cast) -> None:
    look(support, cast)

    entry = AuditEntry.objects.filter(organization=cast.organization).latest("id")
    assert (entry.event, entry.actor_name) == ("looked_at", "rgent support")


def test_no_form_of_an_organization_is_taken(support: Client, cast: Cast) -> None:
    look(support, cast)

    answers = {path: support.post(path).status_code for path in of_the_organization()}

    assert len(answers) > 25
    assert {path: status for path, status in answers.items() if status not in {403, 404, 405}} == {}
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("card_return", {"session_id": "cs_test_1"}),
        ("checkout_return", {"session_id": "cs_test_1"}),
        ("switch_plan", {"plan": "pro_haiku"}),
    ],
)
def test_a_page_that_changes_something_is_refused(
    support: Client, cast: Cast, name: str, query: dict[str, str]
) -> None:
    Plan.objects.paid().update(published_at=NOON)
    BillingAccount.objects.update(plan=Plan.objects.get(code="trial"))
    look(support, cast)

    assert support.get(reverse(name), query).status_code == 403


def test_no_other_page_writes_anything(support: Client, cast: Cast) -> None:
    look(support, cast)
    with CaptureQueriesContext(connection) as queries:
        answers = [support.get(path).status_code for path in of_the_organization()]

    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert answers.count(200) > 12
    assert [sql for sql in written if '"django_session"' not in sql] == []


def test_conversations_stay_private(support: Client, cast: Cast) -> None:
    look(support, cast)

    refused = [support.get(path) for path in ("/app/chat/", "/app/chat/1/", "/app/chat/1/conversation.json")]

    assert [page.status_code for page in refused] == [403] * 3
    assert b"Conversations are private" in refused[0].content
    assert b'href="/app/chat/"' not in support.get(reverse("keys")).content


def test_it_ends_when_asked_to_and_by_itself(support: Client, cast: Cast) -> None:
    look(support, cast)
    ended = support.post(reverse("stop_looking"))
    after = support.get(reverse("overview"))
    look(support, cast)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        later = support.get(reverse("overview"))

    assert ended["location"] == reverse("admin:accounts_organization_change", args=[cast.organization.pk])
    assert (after.status_code, later.status_code) == (403, 403)


def test_it_ends_with_the_right(support: Client, cast: Cast) -> None:
    look(support, cast)
    User.objects.get(email="support@rgent.example").user_permissions.clear()

    assert support.get(reverse("keys")).status_code == 403


def test_it_takes_the_right_and_a_reason(admin: Client, cast: Cast) -> None:
    person = User.objects.create_user("staff@rgent.example", is_staff=True)
    person.user_permissions.set(Permission.objects.exclude(codename="look_into_organization"))
    staff = Client()
    staff.force_login(person)

    assert look(staff, cast).status_code == 403
    assert look(admin, cast, reason="").status_code == 200
    assert admin.get(reverse("keys")).status_code == 403

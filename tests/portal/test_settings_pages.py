"""Pages of settings: the zone of times, and how many queries they cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.audit import AuditEvent, note_change
from accounts.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12
PAGES = ["profile", "sessions", "audit_log", "organization_settings", "data", "mfa_index"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_costs_few_queries_with_much_in_it(browser, organization, page):
    for number in range(60):
        note_change(AuditEvent.CAP_CHANGED, organization_id=organization.pk, detail=str(number))
    organization.memberships.bulk_create(
        organization.memberships.model(organization=organization, user=make_user()) for _ in range(20)
    )

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = browser.get(reverse(page))

    assert answer.status_code == 200
    assert len(queries) <= MOST_QUERIES, [each["sql"][:100] for each in queries]


def test_times_are_told_in_a_persons_zone(browser: Client, organization, owner: User):
    browser.post(reverse("profile"), {"name": "Ada", "time_zone": "Asia/Kolkata"})
    told = browser.get(reverse("audit_log")).content.decode()
    browser.post(reverse("profile"), {"name": "Ada", "time_zone": "UTC"})

    owner.refresh_from_db()
    assert (owner.name, owner.time_zone) == ("Ada", "")
    utc, local = _times(browser.get(reverse("audit_log")).content.decode()), _times(told)
    assert utc != local


def _times(page: str) -> list[str]:
    return [part.partition("<")[0] for part in page.split('UTC">')[1:]]

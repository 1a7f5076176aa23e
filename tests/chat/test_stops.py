"""Stops: an operator refuses an organization, a model, or both, and lets them in again."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from billing.limits.stops import note_stop
from billing.models import Stop
from tests.chat.http import messages_body, send
from tests.factories import HAIKU, Customer, make_customer, make_subscriber
from tests.rgent.management_api.client import make_manager


def ask(api: str, customer: Customer):
    return send(api, "POST", "/v1/messages", body=messages_body("Hello"), headers={"x-api-key": customer.key})


@pytest.fixture
def admin(api):
    """A browser in which a superuser is signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("root@rgent.example"))
    return client


def test_staff_suspend_an_organization_and_restore_it(api, admin):
    customer, other = make_customer(), make_customer()
    assert ask(api, customer).status == 200

    admin.post(reverse("admin:billing_stop_add"), {"organization": customer.organization.pk, "reason": "Abuse"})
    refused, served = ask(api, customer), ask(api, other)
    counted = send(
        api, "POST", "/v1/messages/count_tokens", body=messages_body("Hello"), headers={"x-api-key": customer.key}
    )
    admin.post(reverse("admin:billing_stop_changelist"), {"action": "lift", "_selected_action": Stop.objects.get().pk})

    assert (refused.status, refused.error[0]) == (403, "permission_error")
    assert "suspended" in refused.error[1]
    assert refused.headers["x-should-retry"] == "false"
    assert (counted.status, served.status, ask(api, customer).status) == (403, 200, 200)
    told = AuditEntry.objects.filter(organization=customer.organization, event__in=["stopped", "restored"])
    assert [(entry.event, entry.actor_name) for entry in told.order_by("id")] == [
        ("stopped", "rgent support"),
        ("restored", "rgent support"),
    ]


@pytest.mark.parametrize("for_all", [True, False])
def test_a_model_is_taken_out_of_service(api, for_all):
    customer, other = make_customer(), make_customer()
    Stop.objects.create(model=HAIKU, organization=None if for_all else customer.organization, reason="Broken")

    refused = ask(api, customer)

    assert (refused.status, refused.error[0]) == (403, "permission_error")
    assert HAIKU in refused.error[1]
    assert ask(api, other).status == (403 if for_all else 200)


def test_a_stop_that_another_process_made_holds_within_5_seconds(api):
    customer = make_subscriber()
    assert ask(api, customer).status == 200

    Stop.objects.create(organization=customer.organization, reason="Abuse")
    began_s = time.monotonic()
    while (answer := ask(api, customer)).status == 200:
        assert time.monotonic() - began_s < 5
        time.sleep(0.1)

    assert "suspended" in answer.error[1]


def test_a_stopped_organization_still_reads_its_data(api):
    manager = make_manager()
    Stop.objects.create(organization=manager.organization, reason="Abuse")

    answer = send(api, "GET", "/api/v1/usage", headers={"x-api-key": manager.key})

    assert answer.status == 200


def test_its_members_are_told_on_their_pages(api):
    customer = make_customer()
    owner = Client()
    owner.force_login(customer.organization.members.get())
    before = owner.get(reverse("overview")).content.decode()

    note_stop(Stop(organization=customer.organization, reason="Abuse"))
    after = owner.get(reverse("overview")).content.decode()

    assert "This organization is suspended" not in before
    assert "This organization is suspended" in after


@pytest.mark.parametrize(("fields", "words"), [({}, "Name an organization"), ({"model": HAIKU}, "stopped already")])
def test_nothing_is_stopped_twice_and_not_everything_at_once(admin, fields, words):
    Stop.objects.create(model=HAIKU, reason="Broken")

    page = admin.post(reverse("admin:billing_stop_add"), {"reason": "Abuse", **fields}).content.decode()

    assert words in page
    assert Stop.objects.count() == 1

"""Pages of webhooks: a secret shown once, a log to read, and nobody else's endpoints."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.customer_webhooks import sending
from billing.customer_webhooks.endpoints import MOST_ENDPOINTS, add_endpoint
from billing.customer_webhooks.events import Fact, Type, emit
from billing.models import CustomerEndpoint, EventDelivery
from tests.billing.customer_webhooks.receiver import answer_with, receiver
from tests.factories import NOON, make_organization

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


def text_of(answer) -> str:
    """Return a page as text."""
    return answer.content.decode()


def test_a_secret_is_shown_once_and_a_test_can_be_read(browser, organization):
    with receiver(answer_with(500, b"<b>broken</b>")) as system:
        added = browser.post(reverse("webhook_add"), {"url": system.url}, follow=True)
        endpoint = CustomerEndpoint.objects.get(organization=organization)
        again = browser.get(reverse("webhook", kwargs={"endpoint_id": endpoint.pk}))
        sent = browser.post(reverse("webhook_test", kwargs={"endpoint_id": endpoint.pk}))
        sending.send_due(stop_after_s=5)
        shown = text_of(browser.get(sent.url))

    assert len(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", text_of(added))) == 1
    assert "whsec_" not in text_of(again)
    assert "&lt;b&gt;broken&lt;/b&gt;" in shown
    assert "It answered 500" in shown
    assert "webhook.test" in shown


def test_its_cookie_shows_a_secret_on_no_other_page(browser, organization):
    added = browser.post(reverse("webhook_add"), {"url": "http://localhost:9/"})

    assert "whsec_" not in text_of(browser.get(reverse("keys")))
    assert "whsec_" in text_of(browser.get(added.url))


def test_an_address_that_cannot_be_is_refused_with_a_sentence(browser, organization):
    answer = browser.post(reverse("webhook_add"), {"url": "https://10.0.0.1/"})

    assert answer.status_code == 422
    assert "private network" in text_of(answer)


def test_another_address_needs_the_password_other_events_do_not(owner, organization, client):
    endpoint, _ = add_endpoint(organization=organization, url="http://localhost:9/")
    owner.set_password("correct horse battery staple")
    owner.save()
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        client.force_login(owner)
    page = reverse("webhook", kwargs={"endpoint_id": endpoint.pk})
    asked = client.post(page, {"url": "http://localhost:9/elsewhere"})
    client.post(page, {"url": endpoint.url, "events": ["key.created"]})

    assert asked.url.startswith(reverse("account_reauthenticate"))
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.event_types) == ("http://localhost:9/", ["key.created"])


def test_there_are_so_many_at_most(browser, organization):
    for _ in range(MOST_ENDPOINTS):
        add_endpoint(organization=organization, url="http://localhost:9/")
    answer = browser.post(reverse("webhook_add"), {"url": "http://localhost:9/"})

    assert answer.status_code == 422
    assert "remove one first" in text_of(answer)


def test_what_was_given_up_is_sent_again(browser, organization):
    endpoint, _ = add_endpoint(organization=organization, url="http://localhost:9/")
    emit(Fact(organization_id=organization.pk, type=Type.KEY_REVOKED, occasion="1", happened_at=NOON, data={}))
    EventDelivery.objects.update(state=EventDelivery.State.GIVEN_UP)
    ids = {"endpoint_id": endpoint.pk, "delivery_id": EventDelivery.objects.get().pk}
    browser.post(reverse("webhook_resend", kwargs=ids))

    assert EventDelivery.objects.get().state == EventDelivery.State.WAITING


def test_a_delivery_of_another_endpoint_is_not_shown(browser, organization):
    own, _ = add_endpoint(organization=organization, url="http://localhost:9/")
    other = make_organization()
    add_endpoint(organization=other, url="http://localhost:9/other")
    emit(Fact(organization_id=other.pk, type=Type.KEY_REVOKED, occasion="1", happened_at=NOON, data={}))
    ids = {"endpoint_id": own.pk, "delivery_id": EventDelivery.objects.get().pk}

    assert browser.get(reverse("webhook_delivery", kwargs=ids)).status_code == 404


def test_pages_cost_few_queries_with_much_in_them(browser, organization):
    endpoint, _ = add_endpoint(organization=organization, url="http://localhost:9/")
    for number in range(60):
        emit(
            Fact(
                organization_id=organization.pk,
                type=Type.KEY_REVOKED,
                occasion=str(number),
                happened_at=NOON,
                data={},
            )
        )
    for page in (reverse("webhooks"), reverse("webhook", kwargs={"endpoint_id": endpoint.pk})):
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page).status_code == 200
        assert len(queries) <= MOST_QUERIES

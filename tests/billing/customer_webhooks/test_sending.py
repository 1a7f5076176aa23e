"""Sending: signed, once at a time, again and again, and no one's slow receiver keeps another customer waiting."""

import base64
import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from billing.customer_webhooks import calling, sending
from billing.customer_webhooks.endpoints import add_endpoint, change_endpoint, rotate_secret, switch_off, switch_on
from billing.customer_webhooks.events import Fact, Type, emit
from billing.customer_webhooks.log import EndpointIsOff, TooManySendings, forget_old_events, send_again, send_test
from billing.models import CustomerEndpoint, CustomerEvent, EventDelivery, Notice
from tests.billing.customer_webhooks.receiver import answer_late, answer_with, receiver
from tests.factories import NOON, make_organization

pytestmark = pytest.mark.django_db
State = EventDelivery.State
Reason = CustomerEndpoint.Reason


def happen(organization, *, occasion="1", kind=Type.KEY_REVOKED) -> None:
    """Have something happen to an organization."""
    emit(Fact(organization_id=organization.pk, type=kind, occasion=occasion, happened_at=NOON, data={"key_id": 7}))


def send() -> int:
    """Do what the task does."""
    return sending.send_due(stop_after_s=5)


def make_due() -> None:
    """Let the time pass until the next attempt."""
    EventDelivery.objects.filter(state=State.WAITING).update(next_attempt_at=timezone.now())


def signatures(request, *secrets: str) -> list[str]:
    """Return the signatures that a request must have, worked out by the book of standardwebhooks.com."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    keys = (base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets)
    return ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]


def test_an_event_arrives_signed_under_the_scheme_of_standard_webhooks(organization, system):
    _, secret = add_endpoint(organization=organization, url=system.url)
    happen(organization)

    assert send() == 1
    (request,) = system.received
    assert json.loads(request.body) == {
        "type": "key.revoked",
        "timestamp": "2026-11-10T12:00:00Z",
        "data": {"key_id": 7},
    }
    assert request.headers["webhook-signature"].split() == signatures(request, secret)
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5
    assert request.headers["webhook-id"] == CustomerEvent.objects.get().public_id
    assert request.headers["content-type"] == "application/json"
    delivery = EventDelivery.objects.get()
    assert (delivery.state, delivery.status_code, delivery.attempts) == (State.DELIVERED, 200, 1)
    assert send() == 0


def test_a_rotated_secret_signs_beside_the_old_one_until_that_ends(organization, system):
    endpoint, old = add_endpoint(organization=organization, url=system.url)
    new = rotate_secret(endpoint=endpoint, overlap=timedelta(hours=1), now=timezone.now())
    happen(organization)
    send()
    CustomerEndpoint.objects.update(old_secret_ends_at=timezone.now())
    happen(organization, occasion="2")
    send()

    first, second = system.received
    assert first.headers["webhook-signature"].split() == signatures(first, new, old)
    assert second.headers["webhook-signature"].split() == signatures(second, new)


def test_secrets_are_in_no_column_as_they_are(organization, system):
    endpoint, secret = add_endpoint(organization=organization, url=system.url)
    rotate_secret(endpoint=endpoint, overlap=timedelta(hours=1), now=timezone.now())

    kept = str(CustomerEndpoint.objects.values().get())
    assert secret not in kept
    assert secret.removeprefix("whsec_")[:20] not in kept


def test_an_event_that_does_not_arrive_is_sent_again_with_its_id_and_another_time(endpoint, organization, system):
    happen(organization)
    system.answer = answer_with(500, b"out of order")
    assert send() == 0
    delivery = EventDelivery.objects.get()
    assert (delivery.state, delivery.status_code, delivery.answer) == (State.WAITING, 500, "out of order")
    assert "500" in delivery.error
    assert 3 < (delivery.next_attempt_at - timezone.now()).total_seconds() <= 5
    assert send() == 0  # not due yet

    system.answer = answer_with(204)
    make_due()
    assert send() == 1
    first, second = system.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_it_is_given_up_after_three_days(endpoint, organization, system):
    happen(organization)
    system.answer = answer_with(500)
    for _ in range(sending.MOST_ATTEMPTS):
        assert EventDelivery.objects.get().state == State.WAITING
        make_due()
        send()

    assert EventDelivery.objects.get().state == State.GIVEN_UP
    assert len(system.received) == 10
    assert timedelta(days=3) < sum(sending.PAUSES, timedelta()) < timedelta(days=3, hours=6)


def test_two_workers_at_once_send_it_once(endpoint, organization, system):
    happen(organization)
    first, second = (EventDelivery.objects.select_related("endpoint", "event").get() for _ in range(2))

    assert sending._take(first)
    assert not sending._take(second)


def test_a_worker_that_was_killed_leaves_a_lease_that_runs_out(endpoint, organization, system):
    happen(organization)
    sending._take(EventDelivery.objects.get())
    assert send() == 0
    make_due()
    assert send() == 1


def test_an_endpoint_that_fails_for_days_is_switched_off_and_owners_are_told(endpoint, organization, system):
    happen(organization)
    happen(organization, occasion="2")
    system.answer = answer_with(500)
    send()
    endpoint.refresh_from_db()
    assert endpoint.failing_since
    assert endpoint.disabled_at is None

    CustomerEndpoint.objects.update(failing_since=timezone.now() - sending.SWITCHED_OFF_AFTER)
    make_due()
    send()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == Reason.FAILURES
    assert set(EventDelivery.objects.values_list("state", flat=True)) == {State.DROPPED}
    (notice,) = Notice.objects.filter(kind=Notice.Kind.WEBHOOK_OFF)
    assert notice.facts["url"] == endpoint.url

    happen(organization, occasion="3")
    assert EventDelivery.objects.count() == 2
    switch_on(endpoint=endpoint)
    happen(organization, occasion="4")
    assert EventDelivery.objects.count() == 3


def test_a_success_ends_the_count_of_failures(endpoint, organization, system):
    CustomerEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=2))
    happen(organization)
    send()

    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_an_endpoint_that_is_gone_is_switched_off_at_once(endpoint, organization, system):
    happen(organization)
    system.answer = answer_with(410)
    send()

    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == Reason.GONE


def test_an_address_that_is_corrected_has_not_failed(endpoint, organization, system):
    CustomerEndpoint.objects.update(failing_since=NOON)
    change_endpoint(endpoint=endpoint, terms={"url": system.url, "event_types": []})
    endpoint.refresh_from_db()
    assert endpoint.failing_since == NOON

    change_endpoint(endpoint=endpoint, terms={"url": f"{system.url}/new"})
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


@pytest.mark.parametrize("status", [200, 410, 500])
def test_an_answer_of_the_address_before_says_nothing_about_the_new_one(endpoint, organization, system, status):
    happen(organization)
    delivery = EventDelivery.objects.select_related("endpoint", "event").get()
    assert sending._take(delivery)
    change_endpoint(endpoint=endpoint, terms={"url": f"{system.url}/new"})
    since = NOON if status == 200 else None
    CustomerEndpoint.objects.update(failing_since=since)
    sending._end(delivery, calling.Answer(status=status, text="", error="", took_ms=1))

    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (since, None)
    assert EventDelivery.objects.get().status_code == status


def test_one_switched_off_by_hand_gets_nothing_and_mails_nobody(endpoint, organization, system):
    happen(organization)
    switch_off(endpoint=endpoint, reason=Reason.BY_HAND, now=timezone.now())

    assert send() == 0
    assert not system.received
    assert not Notice.objects.filter(kind=Notice.Kind.WEBHOOK_OFF).exists()


def test_redirects_are_not_followed(endpoint, organization, system):
    happen(organization)
    system.answer = answer_with(302, location=system.url)
    send()

    assert len(system.received) == 1
    assert EventDelivery.objects.get().error == "It answered 302: redirects are not followed."


def test_of_a_long_answer_the_first_kilobyte_is_kept(endpoint, organization, system):
    happen(organization)
    system.answer = answer_with(200, b"\0" + b"x" * 100_000)
    send()

    kept = EventDelivery.objects.get().answer
    assert kept == "\N{REPLACEMENT CHARACTER}" + "x" * 1023


def test_a_receiver_that_does_not_answer_is_left_in_time(endpoint, organization, system, monkeypatch):
    monkeypatch.setattr(calling, "LIMIT_S", 0.2)
    happen(organization)
    system.answer = answer_late(0.6)
    began = time.monotonic()
    send()

    assert time.monotonic() - began < 0.55
    assert "no answer" in EventDelivery.objects.get().error


def test_a_slow_receiver_of_one_customer_keeps_no_other_waiting(endpoint, organization, system):
    """The other's event even comes up while the slow one's are under way, and their organization has more waiting."""
    released = threading.Event()

    def slow(handler):
        answer_with(200 if released.wait(3) else 500)(handler)

    system.answer = slow
    for number in range(sending.MOST_OF_ONE_ORGANIZATION + 2):
        happen(organization, occasion=str(number))
    other = make_organization()

    def arrived(handler):
        assert len(system.received) == sending.MOST_OF_ONE_ORGANIZATION
        answer_with(200)(handler)
        released.set()

    with receiver(arrived) as quick:
        add_endpoint(organization=other, url=quick.url)
        happen(other)
        later = timezone.now() + timedelta(seconds=0.3)
        EventDelivery.objects.filter(endpoint__organization=other).update(next_attempt_at=later)
        assert send() == sending.MOST_OF_ONE_ORGANIZATION + 3


def test_while_one_run_looks_another_leaves_its_worker_free(endpoint, organization, system):
    happen(organization)
    cache.add(sending.LOOKING, True)
    assert send() == 0
    cache.delete(sending.LOOKING)
    assert send() == 1
    assert cache.get(sending.LOOKING) is None


def test_an_endpoint_whose_secret_cannot_be_read_keeps_nobody_waiting(endpoint, organization, system):
    happen(organization)
    CustomerEndpoint.objects.update(sealed_secret="of another SECRET_KEY")
    other = make_organization()
    add_endpoint(organization=other, url=system.url)
    happen(other)

    assert send() == 1
    assert "rotate" in EventDelivery.objects.get(endpoint=endpoint).error


def test_an_ended_delivery_can_be_sent_again_but_not_to_an_endpoint_that_is_off(endpoint, organization, system):
    happen(organization)
    send()
    delivery = EventDelivery.objects.get()
    assert send_again(delivery=delivery, wall_now=timezone.now())
    assert not send_again(delivery=delivery, wall_now=timezone.now())
    assert send() == 1
    assert len({request.headers["webhook-id"] for request in system.received}) == 1

    switch_off(endpoint=endpoint, reason=Reason.BY_HAND, now=timezone.now())
    with pytest.raises(EndpointIsOff):
        send_again(delivery=delivery, wall_now=timezone.now())


def test_tests_go_to_one_endpoint_and_are_limited(endpoint, organization, system):
    add_endpoint(organization=organization, url=system.url)
    for _ in range(10):
        send_test(endpoint=endpoint, now=NOON, wall_now=NOON)
    with pytest.raises(TooManySendings):
        send_test(endpoint=endpoint, now=NOON, wall_now=NOON)
    assert EventDelivery.objects.filter(endpoint=endpoint).count() == 10
    assert EventDelivery.objects.count() == 10


def test_deliveries_sent_again_and_tests_have_one_limit_a_minute(endpoint, organization):
    happen(organization)
    delivery = EventDelivery.objects.get()
    assert not send_again(delivery=delivery, wall_now=NOON)  # it waits, and counts not
    for _ in range(9):
        EventDelivery.objects.update(state=State.DELIVERED)
        assert send_again(delivery=delivery, wall_now=NOON)
    send_test(endpoint=endpoint, now=NOON, wall_now=NOON)
    EventDelivery.objects.update(state=State.DELIVERED)

    with pytest.raises(TooManySendings):
        send_again(delivery=delivery, wall_now=NOON)
    assert send_again(delivery=delivery, wall_now=NOON + timedelta(minutes=1))


def test_events_are_kept_for_thirty_days(endpoint, organization):
    happen(organization)
    forget_old_events(wall_now=timezone.now() + timedelta(days=29))
    assert EventDelivery.objects.exists()
    forget_old_events(wall_now=timezone.now() + timedelta(days=31))
    assert not CustomerEvent.objects.exists()

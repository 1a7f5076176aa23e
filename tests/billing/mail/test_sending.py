"""A notice is one mail to each of its people, whatever happens on the way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction
from django.utils import timezone

from accounts.mail_choices import choose_mails, turn_off
from accounts.models import MailRefusal, Membership
from billing.mail.notices import Kind, tell
from billing.mail.sending import GIVE_UP_AFTER, LEASE, PAUSES, address_notices, send_due
from billing.models import Notice, NoticeMail
from billing.tasks import send_mails
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db
State = NoticeMail.State
IN_MEMORY = "django.core.mail.backends.locmem.EmailBackend"


class Killed(BaseException):
    """The end of a worker: nothing after it runs."""


class KilledBefore(EmailBackend):
    """The end comes before the mail server has the mail."""

    def send_messages(self, messages: Any) -> int:
        raise Killed


class KilledAfter(EmailBackend):
    """The end comes right after the mail server accepted the mail."""

    def send_messages(self, messages: Any) -> int:
        super().send_messages(messages)
        raise Killed


class Slow(EmailBackend):
    """A mail server that takes a mail when the test says so."""

    asked, go = threading.Event(), threading.Event()

    def send_messages(self, messages: Any) -> int:
        self.asked.set()
        assert self.go.wait(10)
        return int(super().send_messages(messages))


class NoServer(EmailBackend):
    """A mail server that is gone."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("no mail server")


@pytest.fixture
def notify(organization: Any) -> Callable[..., None]:
    """Note that the organization used 40 of its free requests."""

    def notify(*, kind: Notice.Kind = Kind.TRIAL, occasion: str = "40 of 50", organization: Any = organization) -> None:
        facts = {"used": 40, "requests": 50} if kind == Kind.TRIAL else {"suspended": "Pro Haiku"}
        tell(organization_id=organization.pk, kind=kind, occasion=occasion, facts=facts)

    return notify


@pytest.fixture
def only_owner(organization: Any) -> None:
    """Leave the organization no admin, so that a notice is one mail."""
    Membership.objects.filter(organization=organization, role="admin").delete()


def work() -> int:
    """Do what the task does; return how many mails were sent."""
    address_notices(now=timezone.now())
    return send_due(stop_after_s=10)


def let(settings: Any, backend: type) -> None:
    """Have mail sent by one of the backends above."""
    settings.EMAIL_BACKEND = f"{__name__}.{backend.__name__}"


def in_thread(action: Callable[[], int]) -> int:
    """Do something in a thread, and close the thread's connection."""
    try:
        return action()
    finally:
        connection.close()


def test_a_notice_is_one_mail_to_each_owner_and_admin(notify, outbox):
    notify()

    assert (work(), work()) == (2, 0)
    assert [mail.to for mail in outbox] == [["owner@example.com"], ["admin@example.com"]]


def test_an_event_that_is_noted_again_is_the_same_notice(notify, outbox):
    notify()
    work()
    notify()

    assert work() == 0


def test_another_occasion_and_another_organization_are_other_notices(notify):
    notify()
    notify(occasion="50 of 50")
    notify(organization=make_organization())

    assert work() == 5


def test_a_notice_is_gone_with_the_transaction_of_its_event(notify):
    @transaction.atomic
    def event() -> None:
        notify()
        raise Killed

    with pytest.raises(Killed):
        event()

    assert work() == 0


def test_two_workers_at_once_send_one_mail(committing_db, settings, only_owner, notify, outbox):
    notify()
    address_notices(now=timezone.now())
    let(settings, Slow)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(in_thread, lambda: send_due(stop_after_s=10))
        assert Slow.asked.wait(10)
        second = threads.submit(in_thread, lambda: send_due(stop_after_s=10)).result()
        Slow.go.set()

    assert (first.result(), second) == (1, 0)
    assert len(outbox) == 1


def test_two_workers_at_once_make_the_mails_of_a_notice_once(committing_db, only_owner, notify):
    notify()
    both = threading.Barrier(2, timeout=10)

    def address() -> int:
        both.wait()
        return in_thread(lambda: address_notices(now=timezone.now()))

    with ThreadPoolExecutor(2) as threads:
        made = [each.result() for each in [threads.submit(address), threads.submit(address)]]

    assert sorted(made) == [0, 1]
    assert NoticeMail.objects.count() == 1


def test_a_worker_killed_before_sending_loses_nothing(settings, only_owner, notify, outbox, time_machine):
    notify()
    let(settings, KilledBefore)
    with pytest.raises(Killed):
        work()
    settings.EMAIL_BACKEND = IN_MEMORY
    assert work() == 0

    time_machine.move_to(timezone.now() + LEASE + timedelta(seconds=1))

    assert (work(), work()) == (1, 0)
    assert len(outbox) == 1


def test_a_worker_killed_after_sending_leaves_a_mail_that_is_known_as_the_same(
    settings, only_owner, notify, outbox, time_machine
):
    notify()
    let(settings, KilledAfter)
    with pytest.raises(Killed):
        work()
    settings.EMAIL_BACKEND = IN_MEMORY
    time_machine.move_to(timezone.now() + LEASE + timedelta(seconds=1))

    assert (work(), work()) == (1, 0)
    assert len({mail.message()["Message-ID"] for mail in outbox}) == 1


def test_a_mail_that_fails_is_tried_again_later(settings, only_owner, notify, time_machine):
    notify()
    let(settings, NoServer)
    assert work() == 0
    settings.EMAIL_BACKEND = IN_MEMORY
    assert work() == 0

    time_machine.move_to(timezone.now() + PAUSES[0] + timedelta(seconds=1))
    assert (work(), work()) == (1, 0)


def test_a_mail_server_that_is_away_is_asked_once_a_run(settings, notify):
    notify()
    let(settings, NoServer)
    work()

    assert sorted(NoticeMail.objects.values_list("attempts", flat=True)) == [0, 1]


def test_a_mail_that_fails_for_days_is_given_up(settings, only_owner, notify, time_machine):
    notify()
    let(settings, NoServer)
    time_machine.move_to(timezone.now() + GIVE_UP_AFTER + timedelta(minutes=1))

    assert work() == 0

    assert NoticeMail.objects.get().state == State.GIVEN_UP


def test_a_kind_that_is_turned_off_is_not_sent(notify, owner, outbox):
    turn_off(user_id=owner.pk, kind=Kind.TRIAL)
    notify()
    work()

    assert [mail.to for mail in outbox] == [["admin@example.com"]]

    choose_mails(user_id=owner.pk, wanted={Kind.TRIAL}, among={Kind.TRIAL})
    notify(occasion="50 of 50")
    assert work() == 2


def test_a_kind_that_is_turned_off_while_a_mail_waits_is_not_sent(notify, owner, outbox):
    notify()
    address_notices(now=timezone.now())
    turn_off(user_id=owner.pk, kind=Kind.TRIAL)

    assert send_due(stop_after_s=10) == 1
    assert NoticeMail.objects.get(user=owner).state == State.UNWANTED


def test_nothing_is_sent_to_people_who_left_while_it_waited(notify, owner, organization):
    notify()
    address_notices(now=timezone.now())
    Membership.objects.filter(organization=organization).exclude(user=owner).delete()

    assert send_due(stop_after_s=10) == 1


def test_a_failed_payment_is_told_whatever_is_turned_off(notify, owner, outbox):
    turn_off(user_id=owner.pk, kind=Kind.PAYMENT_FAILED)
    notify(kind=Kind.PAYMENT_FAILED)

    assert work() == 2


def test_people_who_may_not_sign_in_get_no_mail(notify, owner, outbox):
    owner.is_active = False
    owner.save(update_fields=["is_active"])
    notify()

    assert work() == 1


def test_a_refused_address_is_kept_and_keeps_nobody_else_from_their_mail(mail_server, notify, owner):
    mail_server.refuses["owner@example.com"] = "550 5.1.1 no such user"
    notify()

    assert (work(), work()) == (1, 0)

    refusal = MailRefusal.objects.get()
    assert (refusal.user, refusal.email, refusal.reason) == (owner, owner.email, "550 5.1.1 no such user")
    assert NoticeMail.objects.get(user=owner).state == State.REFUSED


def test_a_refusal_for_now_is_tried_again(mail_server, only_owner, notify):
    mail_server.refuses["owner@example.com"] = "452 4.2.2 mailbox full"
    notify()

    assert work() == 0

    assert NoticeMail.objects.get().state == State.WAITING
    assert not MailRefusal.objects.exists()


@pytest.mark.parametrize("refusal", ["452 4.2.2 mailbox full", "550 5.1.1 no such user"])
def test_one_mailbox_that_is_refused_ends_no_run(mail_server, notify, refusal):
    mail_server.refuses["owner@example.com"] = refusal
    notify()

    assert work() == 1

    assert "To: admin@example.com" in mail_server.accepted[0]


def test_a_refusal_is_forgotten_when_the_server_takes_mail_again(mail_server, only_owner, notify):
    mail_server.refuses["owner@example.com"] = "550 5.1.1 no such user"
    notify()
    work()
    del mail_server.refuses["owner@example.com"]
    notify(occasion="50 of 50")

    assert work() == 1
    assert not MailRefusal.objects.exists()
    assert "To: owner@example.com" in mail_server.accepted[0]


def test_a_letter_that_cannot_be_composed_keeps_nobody_from_theirs(organization, notify, outbox):
    tell(organization_id=organization.pk, kind=Kind.TRIAL, occasion="broken", facts={})
    notify()

    assert work() == 2


def test_the_task_runs(notify, outbox):
    notify()

    send_mails()

    assert len(outbox) == 2


def test_the_newest_address_is_written_to(only_owner, notify, owner, outbox):
    notify()
    address_notices(now=timezone.now())
    owner.email = "new@example.com"
    owner.save(update_fields=["email"])
    send_due(stop_after_s=10)

    assert outbox[0].to == ["new@example.com"]


def test_somebody_elses_organization_is_written_to_by_its_own_people(notify, outbox):
    other = make_organization(owner=make_user(email="other@example.com"))
    notify(organization=other)
    work()

    assert [mail.to for mail in outbox] == [["other@example.com"]]

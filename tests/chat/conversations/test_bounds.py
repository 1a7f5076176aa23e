"""Bounds of asking: nothing is written and nothing begun for whom a request could not begin, or who asks too much."""

import json
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from billing.limits.side_calls import forget_side_calls
from billing.limits.stops import forget_stops, note_stop
from billing.models import BillingAccount, Stop
from chat.conversations.bounds import MOST_WRITING, StillWriting
from chat.conversations.following import MOST_FOLLOWERS
from chat.conversations.writing import Question, ask
from chat.models import Conversation, Message
from tests.chat.conversations.tab import Tab, is_over
from tests.factories import HAIKU, make_organization

SLOWLY = "[[usage output=300 chunks=60 chunk_delay_ms=15]] Go on and on"
DIGITS = "9" * 5000


@pytest.fixture
def member(db: None) -> Membership:
    """The owner of an organization on the free trial."""
    return Membership.objects.get(organization=make_organization())


@pytest.fixture
def browser(member: Membership) -> Client:
    """Their browser."""
    browser = Client()
    browser.force_login(member.user)
    return browser


def make_answer(member: Membership, *, state: str = "done", quiet_s: float = 0.0) -> Message:
    now = timezone.now()
    conversation = Conversation.objects.create(membership=member, model=HAIKU, created_at=now, changed_at=now)
    question = Message.objects.create(conversation=conversation, role="user", text="Hello", created_at=now)
    alive_at = now - timedelta(seconds=quiet_s)
    answer = Message.objects.create(
        conversation=conversation, parent=question, role="assistant", state=state, created_at=now, alive_at=alive_at
    )
    Conversation.objects.filter(id=conversation.id).update(current=answer)
    return answer


def send(browser: Client):
    return browser.post("/app/chat/send", {"text": "Hello", "model": HAIKU})


def ask_again(browser: Client, answer: Message):
    return browser.post(f"/app/chat/{answer.conversation_id}/again", {"message": answer.id})


def stop(member: Membership) -> None:
    note_stop(Stop(organization=member.organization, reason="Abuse"))
    forget_stops()


def leave_unpaid(member: Membership) -> None:
    BillingAccount.objects.update(status=BillingAccount.Status.SUSPENDED)


def use_up(member: Membership) -> None:
    BillingAccount.objects.update(trial_used=50)


@pytest.mark.parametrize(
    ("end", "words"),
    [(stop, "suspended"), (leave_unpaid, "Pay the open invoice"), (use_up, "free requests are used up")],
)
def test_who_cannot_ask_is_told_so_before_a_row_is_written_or_claude_counts(
    member: Membership, browser: Client, end, words: str
):
    answer = make_answer(member)
    end(member)

    sent, again = send(browser), ask_again(browser, answer)
    counted = browser.post("/app/chat/cost", {"text": "Hello", "model": HAIKU})

    assert [each.status_code for each in (sent, again, counted)] == [422] * 3
    assert words in sent.context["refused"]
    assert words in again.context["refused"]
    assert words in counted.json()["refused"]
    assert Message.objects.count() == 2


def test_no_more_than_some_answers_of_a_member_are_written_at_once(member: Membership, browser: Client):
    answer = make_answer(member)
    for _ in range(MOST_WRITING):
        make_answer(member, state="writing")

    sent, again = send(browser), ask_again(browser, answer)

    assert (sent.status_code, again.status_code) == (422, 422)
    assert "Claude is writing 3 answers for you" in sent.context["refused"]
    assert sent.context["refused"] == again.context["refused"]
    assert Message.objects.count() == 2 * (1 + MOST_WRITING)


def test_answers_of_others_and_of_dead_processes_keep_nobody_waiting(member: Membership):
    other = Membership.objects.get(organization=make_organization())
    for _ in range(MOST_WRITING):
        make_answer(member, state="writing", quiet_s=31)
        make_answer(other, state="writing")
    question = Question(text="Hello", model=HAIKU)

    assert ask(membership=member, conversation=None, question=question, now=timezone.now()).new
    with pytest.raises(StillWriting):
        ask(membership=other, conversation=None, question=question, now=timezone.now())


def test_messages_a_minute_are_limited(member: Membership, browser: Client, settings):
    settings.SIDE_CALLS_PER_MINUTE = 1
    forget_side_calls()
    browser.post("/app/chat/send", {"text": ""})

    sent, again = send(browser), ask_again(browser, make_answer(member))

    assert "1 chat messages a minute" in sent.context["refused"]
    assert "1 chat messages a minute" in again.context["refused"]
    assert Message.objects.count() == 2


def test_numbers_of_any_length_are_refused(member: Membership, browser: Client):
    path = f"/app/chat/{make_answer(member).conversation_id}"

    assert browser.post(f"{path}/send", {"text": "And?", "parent": DIGITS}).status_code == 422
    assert browser.post(f"{path}/again", {"message": DIGITS}).status_code == 404
    assert browser.post("/app/chat/cost", {"conversation": DIGITS}).status_code == 404
    assert browser.get("/app/chat/", {"page": DIGITS, "edit": DIGITS}).status_code == 200
    assert browser.post("/app/organization", {"organization": DIGITS}).status_code == 302


def test_a_count_takes_a_place_in_the_organizations_share(tab: Tab, settings):
    settings.ORGANIZATION_CONNECTIONS = 1
    answer = tab.ask(SLOWLY)
    with tab.follow(answer) as events:
        next(events)
        counted = tab.post("/app/chat/cost", text="Hello", model=HAIKU)
    tab.post(f"/app/chat/{answer.conversation_id}/stop", message=answer.id)

    assert is_over(answer).state == "stopped"
    assert "requests at once" in json.loads(counted.body)["refused"]
    assert tab.post("/app/chat/cost", text="Hello", model=HAIKU).status == 200


def test_so_many_pages_follow_an_answer_and_others_come_back_later(tab: Tab):
    answer = tab.ask(SLOWLY)
    with ExitStack() as pages:
        for _ in range(MOST_FOLLOWERS):
            next(pages.enter_context(tab.follow(answer)))
        told = list(pages.enter_context(tab.follow(answer)))
        tab.post(f"/app/chat/{answer.conversation_id}/stop", message=answer.id)
        is_over(answer)

    with tab.follow(answer) as events:
        names = [name for _, name, _ in events]

    assert told == []
    assert names[-1] == "over"

"""History: by day, searched, renamed, deleted, exported, forgotten, and nobody else's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, AuditEvent, Membership
from chat.conversations.following import read
from chat.conversations.history import by_day, forget_old_conversations, history
from chat.models import ChatSwitch, Conversation, Message
from tests.factories import HAIKU, make_organization, make_user

MOST_QUERIES = 12
MOST_BYTES = 150 * 1024


@pytest.fixture
def words(db: None) -> Iterator[None]:
    """The full-text index, which tests without migrations lack."""
    migration = import_module("chat.migrations.0002_words")
    with connection.cursor() as cursor:
        for statement in getattr(migration, connection.vendor.upper()):
            cursor.execute(statement)
    yield
    with connection.cursor() as cursor:
        for statement in getattr(migration, f"{connection.vendor.upper()}_BACK"):
            cursor.execute(statement)


@pytest.fixture
def member(db: None) -> Membership:
    """The owner of an organization."""
    return Membership.objects.get(organization=make_organization())


@pytest.fixture
def browser(member: Membership) -> Client:
    """Their browser."""
    browser = Client()
    browser.force_login(member.user)
    return browser


def make(member: Membership, *texts: str, title: str = "A title", at: datetime | None = None) -> Conversation:
    at = at or timezone.now()
    conversation = Conversation.objects.create(
        membership=member, title=title, model=HAIKU, created_at=at, changed_at=at
    )
    parent = None
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        content = [{"type": "text", "text": text}] if number % 2 else []
        parent = Message.objects.create(
            conversation=conversation,
            parent=parent,
            role=role,
            text=text,
            html=f"<p>{text}</p>",
            content=content,
            created_at=at,
        )
    Conversation.objects.filter(id=conversation.id).update(current=parent)
    return conversation


def test_words_are_found_by_their_beginnings_in_one_message_and_in_ones_own_alone(words: None, member: Membership):
    found = make(member, "Where is the lighthouse?", "On the northern cape.")
    make(member, "Nothing of it")
    make(Membership.objects.get(organization=make_organization()), "Their lighthouse")

    assert history(member, wanted="LIGHT whe")[0] == [found]
    assert history(member, wanted="cape lighthouse")[0] == []
    assert history(member, wanted="titl")[0][0].title == "A title"
    assert history(member, wanted="\"' OR * : & |")[0] == []


def test_what_is_changed_or_deleted_is_found_as_it_is_now(words: None, member: Membership):
    conversation = make(member, "Old words", "An answer")
    Message.objects.filter(conversation=conversation, role="user").update(text="New ones")

    assert history(member, wanted="Old")[0] == []
    assert history(member, wanted="New")[0] == [conversation]
    conversation.delete()
    assert history(member, wanted="New")[0] == []


def test_days_are_those_of_the_reader(member: Membership):
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    for hours in (0, 24, 48, 24 * 30, 24 * 400):
        make(member, "Hello", at=now - timedelta(hours=hours))

    days = [day.name for day in by_day(history(member)[0], now=now, zone=UTC)]

    assert days == ["Today", "Yesterday", "Tuesday", "27 October", "22 October 2025"]


def test_old_conversations_are_forgotten_where_the_operator_says_so(member: Membership, settings):
    now = timezone.now()
    make(member, "Old", at=now - timedelta(days=31))
    kept = make(member, "New", at=now - timedelta(days=29))

    assert forget_old_conversations(now=now) == 0
    settings.CHAT_KEPT_DAYS = 30
    assert forget_old_conversations(now=now) == 1
    assert list(Conversation.objects.all()) == [kept]


def test_a_page_of_200_messages_is_light_and_costs_few_queries(member: Membership, browser: Client):
    conversation = make(member, *(f"Message {number} " + "of some words " * 10 for number in range(200)))
    path = f"/app/chat/{conversation.id}/"
    counts = []

    for _ in range(3):  # price lists are remembered from one page to the next, for a quarter of a minute
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(path)
        counts.append(len(queries))

    assert page.content.count(b'class="message ') == 200
    assert len(page.content) < MOST_BYTES
    assert min(counts) <= MOST_QUERIES


def test_an_export_has_all_branches_and_the_markdown_the_one_that_is_shown(member: Membership, browser: Client):
    conversation = make(member, "Question", "Answer")
    Message.objects.create(conversation=conversation, role="user", text="Another branch", created_at=timezone.now())

    data = json.loads(browser.get(f"/app/chat/{conversation.id}/conversation.json").content)
    text = browser.get(f"/app/chat/{conversation.id}/conversation.md").content.decode()

    assert [message["text"] for message in data["messages"]] == ["Question", "Answer", "Another branch"]
    assert text == "# A title\n\n## You\n\nQuestion\n\n## Claude\n\nAnswer\n"


@pytest.mark.parametrize("language", ["curl", "python", "typescript"])
def test_the_code_of_a_conversation_says_what_was_said(member: Membership, browser: Client, language: str):
    conversation = make(member, "It's “said” \\ here", "Answer", "And?")

    page = browser.get(f"/app/chat/{conversation.id}/code")

    text = page.context["snippets"][language]
    assert (
        json.dumps("It's “said” \\ here", ensure_ascii=False).replace("'", "'\\''" if language == "curl" else "'")
        in text
    )
    assert settings.PUBLIC_URL in text


def test_the_python_of_a_conversation_is_python(member: Membership, browser: Client):
    conversation = make(member, "It's “said” \\ here\nand there", "Answer", "And?")

    text = browser.get(f"/app/chat/{conversation.id}/code").context["snippets"]["python"]

    compile(text, "snippet", "exec")


def test_an_owner_switches_the_page_off_and_the_log_says_so(member: Membership, browser: Client):
    conversation = make(member, "Hello", "Hi")

    browser.post("/app/settings/chat/")

    assert ChatSwitch.objects.get().organization_id == member.organization_id
    assert AuditEntry.objects.latest("id").event == AuditEvent.CHAT_SWITCHED_OFF
    assert browser.get("/app/chat/").status_code == 403
    assert browser.get(f"/app/chat/{conversation.id}/").status_code == 403
    browser.post("/app/settings/chat/", {"on": "yes"})
    assert browser.get(f"/app/chat/{conversation.id}/").status_code == 200


def test_the_operators_switch_closes_the_page_and_its_link(browser: Client, settings):
    assert b'href="/app/chat/"' in browser.get("/app/").content
    settings.CHAT_PAGE = False

    assert browser.get("/app/chat/").status_code == 403
    assert browser.post("/app/chat/send", {"text": "Hello"}).status_code == 403
    assert b'href="/app/chat/"' not in browser.get("/app/").content


def test_nobody_else_opens_a_conversation(member: Membership):
    conversation = make(member, "Hello", "Hi")
    other = Membership.objects.create(organization=member.organization, user=make_user(), role="owner")
    browser = Client()
    browser.force_login(other.user)

    assert browser.get(f"/app/chat/{conversation.id}/").status_code == 404
    assert browser.get(f"/app/chat/{conversation.id}/conversation.json").status_code == 404
    assert b"A title" not in browser.get("/app/chat/").content


def test_no_page_of_the_admin_shows_conversations():
    from django.contrib import admin

    assert not {model for model in admin.site._registry if apps.get_app_config("chat") == model._meta.app_config}


def test_a_conversation_goes_with_its_member(member: Membership):
    make(member, "Hello")

    member.delete()

    assert not Message.objects.exists()


def test_an_answer_whose_process_died_is_ended_and_keeps_what_came(member: Membership):
    conversation = make(member, "Hello")
    answer = Message.objects.create(
        conversation=conversation,
        parent_id=Message.objects.get().id,
        role="assistant",
        state="writing",
        content=[{"type": "text", "text": "As far as"}],
        created_at=timezone.now(),
        alive_at=timezone.now() - timedelta(seconds=31),
    )

    seen = read(answer.id)

    answer.refresh_from_db()
    assert (seen.text, seen.over) == ("As far as", True)
    assert (answer.state, answer.failure, answer.text) == ("failed", "broke_off", "As far as")

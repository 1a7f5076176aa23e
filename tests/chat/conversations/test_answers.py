"""Answers on the chat page: asked and metered as the API's are, written down, stopped, and asked again."""

import html
import re
from decimal import Decimal

from django.conf import settings

from billing.caps.caps import set_cap
from billing.models import BillingAccount, UsageRecord
from billing.money import format_exact
from chat.conversations.costs import records_of, total_of
from chat.models import Conversation, Message
from tests.chat.conversations.tab import Tab, is_over
from tests.factories import HAIKU, Customer

SLOWLY = "[[usage output=300 chunks=60 chunk_delay_ms=15]] Go on and on"
FIVE = "[[usage input=5000 output=2000]] Hello"


def record_of(answer: Message) -> UsageRecord:
    return UsageRecord.objects.get(request_id=answer.request_id)


def page_of(tab: Tab, answer: Message) -> str:
    return html.unescape(tab.open(f"/app/chat/{answer.conversation_id}/").body.decode())


def test_an_answer_costs_what_the_ledger_says_to_the_last_decimal(tab: Tab, customer: Customer):
    answer = is_over(tab.ask(FIVE))

    record = record_of(answer)
    assert answer.state == "done"
    assert (record.state, record.api_key, record.streamed) == ("settled", None, True)
    assert format_exact(record.cost_minor) == "$0.0195"
    assert re.search(r'<a class="cost" [^>]*>\$0\.0195</a>', page_of(tab, answer))
    assert customer.account.held_minor == 0


def test_a_form_that_is_sent_twice_is_answered_and_paid_once(tab: Tab):
    first = is_over(tab.ask("Hello", nonce="once"))

    second = tab.ask("Hello", nonce="once")

    assert second == first
    assert UsageRecord.objects.count() == 1


def test_another_question_from_a_page_out_of_the_browsers_memory_is_asked(tab: Tab):
    first = is_over(tab.ask("Hello", nonce="once"))

    second = is_over(tab.ask("Something else", nonce="once"))

    assert second.id != first.id
    assert second.state == "done"


def test_a_stop_bills_what_came(tab: Tab):
    answer = tab.ask(SLOWLY)
    with tab.follow(answer) as events:
        next(events)
        tab.post(f"/app/chat/{answer.conversation_id}/stop", message=answer.id)

    answer = is_over(answer)

    record = record_of(answer)
    assert (answer.state, record.state, record.estimated) == ("stopped", "settled", True)
    assert answer.text
    assert 0 < record.output_tokens < 300
    assert "You stopped this answer" in page_of(tab, answer)


def test_a_page_that_comes_back_is_told_the_rest_and_nothing_is_paid_twice(tab: Tab):
    answer = tab.ask(SLOWLY)
    with tab.follow(answer) as events:
        seen, _, first = next(events)

    with tab.follow(answer, after=seen) as events:
        told = [first["text"], *(data["text"] for _, name, data in events if name == "text")]

    answer = is_over(answer)
    assert "".join(told) == answer.text
    assert (answer.state, record_of(answer).output_tokens) == ("done", 300)
    assert UsageRecord.objects.count() == 1


def test_an_answer_asked_again_is_kept_beside_the_first_and_both_are_counted(tab: Tab):
    first = is_over(tab.ask(FIVE))

    again = tab.post(f"/app/chat/{first.conversation_id}/again", message=first.id, nonce="again")
    second = is_over(tab.newest(again))

    assert (second.parent_id, second.id == first.id) == (first.parent_id, False)
    total = total_of(records_of([first.request_id, second.request_id]))
    assert total.cost_minor == record_of(first).cost_minor + record_of(second).cost_minor
    page = page_of(tab, second)
    assert f"<strong>{format_exact(total.cost_minor)}</strong>" in page
    assert "2/2" in page


def test_an_answer_is_not_asked_again_while_it_or_another_beside_it_is_written(tab: Tab):
    first = tab.ask(SLOWLY)
    path = f"/app/chat/{first.conversation_id}"

    refused = [tab.post(f"{path}/again", message=first.id, nonce="early")]
    tab.post(f"{path}/stop", message=first.id)
    is_over(first)
    second = tab.newest(tab.post(f"{path}/again", message=first.id, nonce="again"))
    twice = tab.post(f"{path}/again", message=first.id, nonce="again")
    refused.append(tab.post(f"{path}/again", message=first.id, nonce="another"))
    tab.post(f"{path}/stop", message=second.id)
    is_over(second)

    assert [answer.status for answer in refused] == [422, 422]
    assert b"Claude is still writing" in refused[1].body
    assert twice.status == 302
    assert Message.objects.filter(role=Message.Role.ASSISTANT).count() == 2


def test_an_answer_is_asked_again_of_the_model_that_is_chosen_then(tab: Tab):
    first = is_over(tab.ask("Hello"))
    Message.objects.filter(id=first.id).update(model="claude-gone")
    Conversation.objects.filter(id=first.conversation_id).update(model="claude-gone")

    again = tab.post(f"/app/chat/{first.conversation_id}/again", message=first.id, nonce="a", model=HAIKU)
    answer = is_over(tab.newest(again))

    assert (answer.state, answer.model) == ("done", HAIKU)


def test_a_question_after_a_message_that_is_gone_is_refused(tab: Tab):
    answer = is_over(tab.ask("Hello"))

    refused = tab.post(f"/app/chat/{answer.conversation_id}/send", text="And?", model=HAIKU, parent=10_000_000)

    assert refused.status == 422
    assert b"has changed in another tab" in refused.body


def test_an_edited_question_begins_a_branch_and_the_other_can_be_shown_again(tab: Tab):
    first = is_over(tab.ask("One"))

    second = is_over(tab.ask("Two", conversation=first.conversation, parent=""))
    tab.post(f"/app/chat/{first.conversation_id}/branch", message=first.parent_id)

    assert second.parent.parent_id is None
    first.conversation.refresh_from_db()
    assert first.conversation.current_id == first.id


def test_a_second_tab_asks_beside_the_first_and_loses_nothing(tab: Tab):
    first = is_over(tab.ask("One"))
    here = tab.ask("Here", conversation=first.conversation)
    there = tab.ask("There", conversation=first.conversation, parent=first.id)

    here, there = is_over(here), is_over(there)

    assert {here.state, there.state} == {"done"}
    assert here.parent.parent_id == there.parent.parent_id == first.id


def test_a_question_after_an_answer_that_is_still_written_is_refused(tab: Tab):
    answer = tab.ask(SLOWLY)

    refused = tab.post(f"/app/chat/{answer.conversation_id}/send", text="And?", parent=answer.id)

    assert refused.status == 422
    assert b"Claude is still writing" in refused.body
    tab.post(f"/app/chat/{answer.conversation_id}/stop", message=answer.id)
    is_over(answer)


def test_the_51st_request_of_a_trial_says_what_to_do_and_keeps_the_question(trial_tab: Tab):
    BillingAccount.objects.update(trial_used=49)
    last = is_over(trial_tab.ask("The fiftieth"))

    path = f"/app/chat/{last.conversation_id}/send"
    refused = trial_tab.post(path, text="One more", model=HAIKU, parent=last.id)

    page = refused.body.decode()
    assert (last.state, refused.status) == ("done", 422)
    assert "One more" in page
    assert "The free trial is used up" in page
    assert "Subscribe" in page
    assert UsageRecord.objects.count() == 1


def test_a_cap_reached_in_mid_conversation_is_raised_and_the_same_question_tried_again(tab: Tab, customer: Customer):
    first = is_over(tab.ask(FIVE))
    set_cap(organization_id=customer.organization.id, cap_minor=Decimal("1.95"))
    refused = is_over(tab.ask(FIVE, conversation=first.conversation))
    set_cap(organization_id=customer.organization.id, cap_minor=Decimal(5000))

    again = tab.post(f"/app/chat/{first.conversation_id}/again", message=refused.id, nonce="again")
    answer = is_over(tab.newest(again))

    assert (refused.failure, answer.state) == ("cap", "done")
    assert not Message.objects.filter(id=refused.id).exists()


def test_an_unpaid_subscription_says_where_to_pay(tab: Tab):
    BillingAccount.objects.update(status=BillingAccount.Status.SUSPENDED)

    refused = tab.post("/app/chat/send", text="Hello", model=HAIKU)

    assert refused.status == 422
    assert b"Pay the open invoice" in refused.body


def test_a_browser_that_opens_the_apis_address_is_led_to_the_page(tab: Tab):
    led = tab.open("/chat")

    assert (led.status, led.headers["location"]) == (302, "/app/chat/")


def test_claude_overloaded_can_be_tried_again_and_costs_nothing(tab: Tab):
    answer = is_over(tab.ask("[[usage error=529]] Hello"))

    assert (answer.state, answer.failure, record_of(answer).state) == ("failed", "overloaded", "void")
    assert "Try again" in page_of(tab, answer)


def test_an_answer_that_breaks_off_keeps_what_came_and_shows_what_it_cost(tab: Tab):
    answer = is_over(tab.ask("[[usage output=300 chunks=30 drop_after=10]] Hello"))

    record = record_of(answer)
    assert (answer.state, answer.failure, record.state) == ("failed", "broke_off", "settled")
    assert answer.text
    assert format_exact(record.cost_minor) in page_of(tab, answer)


def test_thinking_is_folded_and_not_sent_back(tab: Tab):
    answer = is_over(tab.ask("[[usage thinking=60 output=100]] Hello", thinks="on"))

    assert re.search(r'<details class="thinking"><summary>Thinking</summary><div>\w', page_of(tab, answer))
    assert is_over(tab.ask("And?", conversation=answer.conversation)).state == "done"


def test_no_longer_than_max_tokens_is_said_and_can_be_continued(tab: Tab):
    answer = is_over(tab.ask("[[usage stop=max_tokens]] Hello"))

    page = page_of(tab, answer)
    assert "reached its limit of length" in page
    assert "data-continue" in page
    assert settings.CHAT_MAX_TOKENS > 0

"""Files of a question: pictures and PDFs, their cost before they are sent, and what is refused."""

import base64
import json

from chat.models import Attachment, Message
from tests.chat.conversations.tab import Tab, is_over
from tests.factories import HAIKU

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
QUESTION = {"text": "What is this?", "model": HAIKU}


def test_a_picture_is_sent_to_claude_and_again_with_the_next_question(tab: Tab):
    answer = is_over(tab.newest(tab.post_file("/app/chat/send", name="dot.png", data=PICTURE, **QUESTION)))

    after = is_over(tab.ask("And now?", conversation=answer.conversation))

    assert (answer.state, after.state) == ("done", "done")
    attached = Attachment.objects.get()
    assert (attached.media_type, bytes(attached.data), attached.message_id) == ("image/png", PICTURE, answer.parent_id)


def test_the_cost_of_a_file_is_told_before_it_is_sent(tab: Tab):
    told = json.loads(tab.post_file("/app/chat/cost", name="dot.png", data=PICTURE, **QUESTION).body)
    words = json.loads(tab.post("/app/chat/cost", **QUESTION).body)

    assert told["tokens"] > words["tokens"] > 0
    assert told["cost"].startswith("$0.0")
    assert not Message.objects.exists()


def test_another_kind_of_file_is_refused_and_the_words_stay(tab: Tab):
    refused = tab.post_file("/app/chat/send", name="page.html", data=b"<script>alert(1)</script>", **QUESTION)

    assert refused.status == 422
    assert b"page.html is neither a picture" in refused.body
    assert b"What is this?" in refused.body
    assert not Message.objects.exists()


def test_a_form_of_megabytes_is_taken_from_who_is_signed_in_alone(tab: Tab):
    large = PICTURE + b"\0" * 3_000_000

    taken = tab.post_file("/app/chat/cost", name="large.png", data=large, **QUESTION)
    tab.session = "nobody"
    refused = tab.post_file("/app/chat/cost", name="large.png", data=large, **QUESTION)

    assert taken.status in {200, 422}
    assert refused.status == 413


def test_an_edited_question_keeps_the_files_whose_boxes_stay(tab: Tab):
    answer = is_over(tab.newest(tab.post_file("/app/chat/send", name="dot.png", data=PICTURE, **QUESTION)))
    file, path = Attachment.objects.get(), f"/app/chat/{answer.conversation_id}"

    boxes = tab.open(f"{path}/?edit={answer.parent_id}").body.decode()
    kept = is_over(tab.ask("And this?", conversation=answer.conversation, parent="", kept=file.id))
    left_out = is_over(tab.ask("No picture", conversation=answer.conversation, parent=""))

    assert f'name="kept" value="{file.id}" checked>dot.png' in boxes
    assert [bytes(each.data) for each in kept.parent.attachments.all()] == [PICTURE]
    assert not left_out.parent.attachments.exists()


def test_a_refused_edit_stands_in_the_form_again_with_its_files(tab: Tab):
    answer = is_over(tab.newest(tab.post_file("/app/chat/send", name="dot.png", data=PICTURE, **QUESTION)))
    file = Attachment.objects.get()

    refused = tab.post_file(
        f"/app/chat/{answer.conversation_id}/send", name="page.html", data=b"<p>", kept=file.id, **QUESTION
    )

    assert refused.status == 422
    assert f'name="kept" value="{file.id}" checked'.encode() in refused.body


def test_files_of_another_conversation_are_not_kept(tab: Tab):
    answer = is_over(tab.newest(tab.post_file("/app/chat/send", name="dot.png", data=PICTURE, **QUESTION)))

    other = is_over(tab.ask("Mine now?", kept=Attachment.objects.get().id))

    assert other.conversation_id != answer.conversation_id
    assert not other.parent.attachments.exists()

"""Letters: one content, plain and HTML, in which nobody's words become anything else."""

import html
import re

import pytest

from common.letters import MOST_SUBJECT_CHARS, Letter, Link, html_of, message_of, text_of

FULL = Letter(
    subject="Invoice RG-1 of $10.02",
    paragraphs=["It is ready.", "It is paid by card."],
    code="ABC-123",
    rows=[("Total", "$10.02"), ("Period", "1 Nov 2026 to 1 Dec 2026")],
    link=Link(label="See the invoice", path="/app/billing/"),
    after=["Nothing else is owed."],
    reason="It goes to owners.",
    unsubscribe="https://rgent.example.com/off/token",
)


def seen(markup: str) -> str:
    """Return what a reader of HTML sees, and the addresses of its links."""
    addresses = " ".join(re.findall(r'href="([^"]*)"', markup))
    visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(f"{visible} {addresses}").split())


def test_both_forms_have_the_same_facts(settings):
    settings.PUBLIC_URL = "https://rgent.example.com"
    facts = [*FULL.paragraphs, FULL.code, *sum(FULL.rows, ()), *FULL.after, FULL.reason, FULL.unsubscribe]
    facts += ["See the invoice", "https://rgent.example.com/app/billing/"]

    text, markup = " ".join(text_of(FULL).split()), seen(html_of(FULL))

    assert [fact for fact in facts if fact not in text] == []
    assert [fact for fact in facts if fact not in markup] == []


def test_a_subject_with_line_breaks_adds_no_header():
    message = message_of(Letter(subject="Join A\r\nBcc: all@example.com", paragraphs=["x"]), to="a@example.com")

    assert message.message()["Subject"] == "Join A Bcc: all@example.com"
    assert message.message()["Bcc"] is None


@pytest.mark.parametrize("line_break", ["\n\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_a_name_with_line_breaks_adds_no_paragraph(line_break):
    text = text_of(Letter(subject="x", paragraphs=[f"A{line_break}    https://evil.example invites you"]))

    assert text.splitlines()[0] == "A https://evil.example invites you"


def test_a_subject_is_cut_where_no_reader_shows_more():
    message = message_of(Letter(subject="long " * 100, paragraphs=["x"]), to="a@example.com")

    assert len(message.subject) == MOST_SUBJECT_CHARS


def test_markup_in_a_name_is_shown_as_it_is():
    markup = html_of(Letter(subject="<b>x", paragraphs=["<script>y"], rows=[("<i>l", '"><img src=//evil>')]))

    assert not re.search(r"<(script|b|i|img)\b", markup)
    assert "&lt;script&gt;y" in markup


def test_html_loads_nothing():
    assert not re.search(r"src=|url\(|@import|<link", html_of(FULL))


def test_an_address_of_somebody_elses_is_left_as_it_is():
    assert Link(label="Pay", path="https://invoice.stripe.com/i/1").url == "https://invoice.stripe.com/i/1"


def test_an_amount_is_kept_whole_and_an_address_breaks():
    markup = html_of(
        Letter(subject="x", paragraphs=[], rows=[("Sum", "$0.0160485"), ("Where", "https://a.example/long/way")])
    )
    values = re.findall(r'<td class="ink cell"[^>]*style="([^"]*)"[^>]*>([^<]*)<', markup)

    assert [("anywhere" in style, value) for style, value in values] == [
        (False, "$0.0160485"),
        (True, "https://a.example/long/way"),
    ]

"""The chat page in a browser: answers, stop, reload, branches, files, two tabs, a cut network, and hostile words."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, StorageState, expect

from rgent.laptop.demo import DEMO_EMAIL, DEMO_PASSWORD
from tests.chat.conversations.test_files import PICTURE
from tests.chat.conversations.test_markdown import HOSTILE
from tests.e2e.conftest import DESKTOP, LOOK_FOR_MS
from tests.e2e.screenshots import Album
from tests.flows.product import Laptop

pytestmark = pytest.mark.browser

SLOWLY = "[[usage output=400 chunks=100 chunk_delay_ms=60]] Go on and on"
HOSTILE_ON_THE_PAGE_WITHIN_MS = 200


@pytest.fixture(scope="module")
def signed_in(browser: Browser, laptop: Laptop) -> StorageState:
    """The cookies of the demo's owner, who signs in once."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{laptop.url}/accounts/login/?next=/app/chat/")
    page.get_by_label("Email").fill(DEMO_EMAIL)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible(timeout=LOOK_FOR_MS)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, signed_in: StorageState) -> Iterator[BrowserContext]:
    """The owner's browser."""
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in)
    context.set_default_timeout(LOOK_FOR_MS)
    yield context
    context.close()


@pytest.fixture
def chat(page: Page, laptop: Laptop) -> Page:
    """A tab at an empty conversation."""
    page.goto(f"{laptop.url}/app/chat/")
    return page


def ask(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def answers(page: Page) -> Locator:
    return page.locator(".answer:not([data-live])")


def test_it_answers_and_is_heard_and_the_history_has_the_title(chat: Page, album: Album) -> None:
    album.keep(chat, "empty")
    album.keep_small_and_dark(chat, "empty")
    ask(chat, "Tell me about lighthouses")

    expect(answers(chat)).to_have_count(1)
    expect(answers(chat).locator(".cost")).to_be_visible()
    expect(chat.get_by_role("status")).to_contain_text("Claude: I am the sandbox's Claude")
    expect(chat.get_by_role("navigation", name="History")).to_contain_text("Tell me about lighthouses")
    expect(chat).to_have_url(re.compile(r"/app/chat/\d+/$"))
    album.keep(chat, "answer")
    album.keep_small_and_dark(chat, "answer")


def test_it_shows_model_and_price_whole_on_the_smallest_phone(chat: Page) -> None:
    chat.set_viewport_size({"width": 360, "height": 740})
    model = chat.get_by_label("Model")
    model.evaluate("each => { each.options[0].textContent = 'claude-sonnet-5-5 · $3.00 in, $15.00 out / M' }")

    there = model.evaluate("each => each.clientWidth")
    needed = model.evaluate(
        "each => { each.style.cssText = 'flex: none; inline-size: max-content'; return each.clientWidth }"
    )

    assert needed <= there


def test_it_stops_with_escape_and_says_what_that_cost(chat: Page, album: Album) -> None:
    ask(chat, SLOWLY)
    expect(chat.locator("[data-text]")).to_contain_text("sandbox")
    album.keep(chat, "writing")

    chat.keyboard.press("Escape")

    expect(answers(chat)).to_contain_text("You stopped this answer")
    expect(answers(chat)).to_contain_text(re.compile(r"\d+ out"))
    album.keep(chat, "stopped")


def test_it_finds_the_answer_again_after_a_reload_and_in_another_tab(chat: Page, context: BrowserContext) -> None:
    ask(chat, SLOWLY)
    expect(chat.locator("[data-text]")).to_contain_text("sandbox")
    other = context.new_page()
    other.goto(chat.url)

    chat.reload()

    for tab in (chat, other):
        expect(tab.locator("[data-text]")).to_contain_text("asked for an answer of a given length")
    other.get_by_role("button", name="Stop").click()
    for tab in (chat, other):
        expect(answers(tab)).to_contain_text("You stopped this answer")
    assert answers(chat).locator(".words").inner_text() == answers(other).locator(".words").inner_text()


def test_it_goes_on_without_a_network_and_shows_the_whole_answer_afterwards(
    chat: Page, context: BrowserContext
) -> None:
    ask(chat, "[[usage output=200 chunks=40 chunk_delay_ms=60]] Go on")
    expect(chat.locator("[data-text]")).to_contain_text("sandbox")

    context.set_offline(True)
    expect(chat.get_by_text("You are offline.")).to_be_visible()
    chat.wait_for_timeout(500)
    context.set_offline(False)

    expect(answers(chat)).to_contain_text("200 out")


def test_it_keeps_both_answers_and_both_questions(chat: Page, album: Album) -> None:
    ask(chat, "Which is the highest?")
    expect(answers(chat)).to_have_count(1)

    answers(chat).get_by_role("button", name="Regenerate").click()
    expect(answers(chat)).to_contain_text("2/2")
    chat.locator(".question").hover()
    chat.get_by_role("link", name="Edit").click()
    chat.get_by_label("Your message").fill("Which is the oldest?")
    chat.keyboard.press("Control+Enter")

    expect(answers(chat)).to_contain_text("Which is the oldest?")
    album.keep(chat, "branches")
    chat.locator(".question").get_by_role("button", name="Earlier version").click()
    expect(answers(chat)).to_contain_text("Which is the highest?")


def test_it_tells_the_cost_of_a_picture_and_sends_it(chat: Page) -> None:
    chat.get_by_label("Attach").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": PICTURE})
    expect(chat.get_by_text("With these files:")).to_be_visible()

    ask(chat, "What is this?")

    expect(answers(chat)).to_have_count(1)
    expect(chat.locator(".question .files")).to_have_text("dot.png")


def test_it_loses_no_text_and_no_file_when_sending_is_refused(
    chat: Page, context: BrowserContext, album: Album
) -> None:
    ask(chat, "Hello")
    expect(answers(chat)).to_have_count(1)
    there, refusal, text = chat.url, chat.locator("[data-refusal]"), chat.get_by_label("Message", exact=True)
    large = FilePayload(name="large.png", mimeType="image/png", buffer=PICTURE + b"\0" * 4_000_000)
    dot = FilePayload(name="dot.png", mimeType="image/png", buffer=PICTURE)
    chat.get_by_label("Attach").set_input_files([large, dot])
    expect(refusal).to_have_text("large.png is larger than 3.75 MB. Attach a smaller one.")
    expect(chat.locator("[data-files] li")).to_have_text("dot.png")

    context.clear_cookies(name=re.compile("sessionid"))
    ask(chat, "Do not lose me")
    expect(refusal).to_contain_text("Your text is kept, but attach the files again.")
    expect(text).to_have_value("Do not lose me")
    expect(chat.locator("[data-files] li")).to_have_text("dot.png")
    album.keep_small_and_dark(chat, "signed-out")
    refusal.get_by_role("link", name="Sign in").click()
    chat.get_by_label("Email").fill(DEMO_EMAIL)
    chat.get_by_label("Password").fill(DEMO_PASSWORD)
    chat.keyboard.press("Enter")
    expect(chat).to_have_url(there)
    expect(text).to_have_value("Do not lose me")

    context.clear_cookies(name="csrftoken")
    chat.keyboard.press("Enter")
    expect(refusal).to_contain_text("You may have signed in or out in another tab")
    refusal.get_by_role("link", name="Reload the page").click()
    expect(refusal).to_be_hidden()
    expect(text).to_have_value("Do not lose me")
    chat.keyboard.press("Enter")
    expect(answers(chat)).to_have_count(2)


def test_it_shows_hostile_words_inert_and_at_once(chat: Page, album: Album) -> None:
    words = HOSTILE + "\n\n```python\n" + "x = 1\n" * 10_000 + "```\n\n|a|b|\n|-|-|\n" + "|1|2|\n" * 300
    quoted = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    ask(chat, f'[[usage text="{quoted}"]]')
    expect(answers(chat)).to_have_count(1)

    spent_ms = min(page_work_ms(chat) for _ in range(3))

    assert chat.locator(".words :is(script, img, iframe, svg, style, form, [onerror], [onmouseover])").count() == 0
    assert spent_ms < HOSTILE_ON_THE_PAGE_WITHIN_MS
    album.keep_small_and_dark(chat, "hostile")


def page_work_ms(page: Page) -> float:
    """Load the page again; return how long the browser worked on it until it was there and typeset."""
    page.reload()
    timing = "performance.getEntriesByType('navigation')[0]"
    return float(page.evaluate(f"{timing}.domContentLoadedEventEnd - {timing}.responseEnd"))


def test_it_offers_what_helps_against_each_trouble(chat: Page, album: Album) -> None:
    ask(chat, "[[usage stop=max_tokens]] A long one")
    expect(chat.get_by_role("button", name="Continue")).to_be_visible()
    ask(chat, "[[usage stop=refusal]] Something Claude declines")
    expect(answers(chat).last).to_contain_text("Claude declined to answer this")
    ask(chat, "[[usage error=529]] Is it busy?")
    expect(answers(chat).last).to_contain_text("overloaded")
    album.keep(chat, "troubles")
    album.keep_small_and_dark(chat, "troubles")
    chat.get_by_role("button", name="Try again").click()
    expect(chat.locator(".trouble")).to_have_count(1)


def test_it_searches_renames_shows_code_and_deletes(chat: Page, album: Album) -> None:
    ask(chat, "A question about the cormorant")
    expect(answers(chat)).to_have_count(1)
    chat.get_by_role("button", name="More for this conversation").click()
    chat.get_by_label("Title").fill("Sea birds")
    chat.get_by_role("button", name="Rename").click()
    expect(chat.get_by_role("heading", level=1)).to_have_text("Sea birds")

    chat.keyboard.press("Control+k")
    chat.keyboard.type("cormor")
    chat.keyboard.press("Enter")
    expect(chat.locator(".history li")).to_have_text(["Sea birds"])

    chat.get_by_role("button", name="More for this conversation").click()
    chat.get_by_role("link", name="Get code").click()
    expect(chat.get_by_text("A question about the cormorant").first).to_be_visible()
    album.keep(chat, "code")
    chat.get_by_role("link", name="Back to the conversation").click()
    chat.get_by_role("button", name="More for this conversation").click()
    chat.get_by_text("Delete…").click()
    chat.get_by_role("button", name="Delete “Sea birds”").click()
    expect(chat.get_by_text("“Sea birds” is deleted.")).to_be_visible()

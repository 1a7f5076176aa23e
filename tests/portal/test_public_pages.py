"""Pages for everybody: landing, prices, the sandbox's mail, error pages."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import BillingAccount, Plan, PlanPrice
from billing.tokens import TokenClass
from common.letters import Letter, message_of
from tests.factories import NOON, make_user

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, **headers: str) -> str:
    answer = client.get(reverse(name), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_landing_works_the_example_out_to_the_cent(client):
    body = page(client, "landing")

    assert "$10.0195" in body
    assert "$10.02" in body


def test_landing_shows_prices_as_the_database_has_them(client):
    PlanPrice.objects.filter(plan__code="pro_haiku", token_class="output").update(price_per_1k="0.0123")

    body = page(client, "landing")

    assert "$0.0123" in body
    assert "$12.30" in body
    assert "$10.0311" in body


def test_landing_stands_without_any_plan(client):
    Plan.objects.update(is_active=False)

    assert "Claude by the token" in page(client, "landing")


def test_landing_in_the_sandbox_mode_has_a_line_that_works_as_printed(client, settings):
    assert settings.SANDBOX

    body = page(client, "landing")

    assert f"{settings.PUBLIC_URL}/chat" in body
    assert "test123" in body


@pytest.mark.parametrize("name", ["landing", "account_login"])
def test_outside_the_sandbox_mode_no_demo_is_offered(client, settings, name):
    settings.SANDBOX = False

    body = page(client, name)

    assert "test123" not in body
    assert "demo@example.com" not in body
    assert settings.SANDBOX_URL not in body


def test_pricing_shows_every_class_per_thousand_and_per_million(client):
    body = page(client, "pricing")

    for text in ("$0.001625", "$1.625", "$0.00013", "$0.13", "Cache read"):
        assert text in body


def test_pricing_leads_a_stranger_through_sign_up_and_back(client):
    assert f"{reverse('account_signup')}?next={reverse('pricing')}" in page(client, "pricing")


def test_pricing_lets_a_customer_on_the_trial_subscribe(browser):
    assert 'value="pro_sonnet"' in page(browser, "pricing")


def test_pricing_shows_a_person_without_an_organization_the_prices_all_the_same(client):
    client.force_login(make_user())

    assert "$0.0013" in page(client, "pricing")


def test_mail_is_shown_in_the_sandbox_mode_alone(client, settings):
    settings.SANDBOX = False

    assert client.get(reverse("mail")).status_code == 404


def test_mail_shows_what_was_sent(client, settings, tmp_path):
    settings.MAILBOX_DIR = tmp_path
    (tmp_path / "1.eml").write_text("To: ada@example.com\nSubject: Hello <b>\nDate: now\n\nThe code is ABC\n")

    body = page(client, "mail")

    assert "The code is ABC" in body
    assert "Hello &lt;b&gt;" in body


def test_the_html_of_a_mail_is_shown_in_a_frame_that_runs_nothing(client, settings, tmp_path):
    settings.MAILBOX_DIR = tmp_path
    message = message_of(Letter(subject="Hello", paragraphs=["Set in type."]), to="ada@example.com")
    (tmp_path / "1-a.eml").write_bytes(message.message().as_bytes())

    body = page(client, "mail")
    frame = client.get("/mail/1-a/")

    assert 'src="/mail/1-a/"' in body
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in body
    assert "Set in type." in frame.content.decode()
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'none'" in frame.headers["content-security-policy"]
    assert "sandbox allow-popups" in frame.headers["content-security-policy"]
    assert client.get("/mail/").headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", ["2-b", "..", "1-a.eml", "*"])
def test_a_mail_that_is_not_kept_is_not_found(client, settings, tmp_path, name):
    settings.MAILBOX_DIR = tmp_path / "kept"
    settings.MAILBOX_DIR.mkdir()
    (tmp_path / "2-b.eml").write_text("Subject: x\n\ny\n")

    assert client.get(f"/mail/{name}/").status_code == 404


def test_the_html_of_a_mail_is_shown_in_the_sandbox_mode_alone(client, settings, tmp_path):
    settings.MAILBOX_DIR, settings.SANDBOX = tmp_path, False
    message = message_of(Letter(subject="Hello", paragraphs=["x"]), to="ada@example.com")
    (tmp_path / "1-a.eml").write_bytes(message.message().as_bytes())

    assert client.get("/mail/1-a/").status_code == 404


def test_an_unknown_address_is_a_page_of_ours(client):
    answer = client.get("/nothing/here", headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_a_form_without_its_token_is_a_page_of_ours():
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})

    answer = browser.post(reverse("account_login"), {"login": "x", "password": "y"})

    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_a_page_that_breaks_is_a_page_of_ours_and_tells_nothing(browser, organization):
    BillingAccount.objects.filter(organization=organization).delete()
    browser.raise_request_exception = False

    answer = browser.get(reverse("overview"))

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "DoesNotExist" not in answer.content.decode()


def test_a_plan_of_many_models_has_a_card_and_a_row_for_each(client):
    plan = Plan.objects.get(code="pro_haiku")
    for number in range(10):
        add_model(plan, f"claude-test-{number}")

    body = client.get(reverse("pricing")).content.decode()

    assert "11 models; per 1M tokens" in body
    for number in range(10):
        assert f"<code>claude-test-{number}</code><small>Pro Haiku</small>" in body


def test_a_price_that_is_the_same_on_two_plans_stands_once(client):
    for code in ("pro_haiku", "pro_sonnet"):
        add_model(Plan.objects.get(code=code), "claude-test")

    body = client.get(reverse("pricing")).content.decode()

    assert "<code>claude-test</code><small>Pro Haiku, Pro Sonnet</small>" in body


def test_pricing_stays_in_the_portal_for_its_people(browser, client):
    assert 'aria-label="Portal"' in browser.get(reverse("pricing")).content.decode()
    assert 'aria-label="Portal"' not in Client().get(reverse("pricing")).content.decode()


def add_model(plan: Plan, model: str) -> None:
    """Give the plan a model at a price of its own for every class."""
    for number, token_class in enumerate(TokenClass, start=1):
        PlanPrice.objects.create(
            plan=plan, model=model, token_class=token_class, price_per_1k=Decimal(number), valid_from=NOON
        )

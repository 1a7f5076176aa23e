"""The doctor finds what is missing, says what to do, and mends the webhook endpoint."""

import ast
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from accounts.models import User
from billing import webhooks
from billing.models import Plan
from billing.plans.publishing import publish_plans
from billing.stripe_billing import webhook_endpoints
from billing.stripe_billing.client import client
from rgent.doctor import vendors
from rgent.doctor.examination import examine
from rgent.doctor.findings import State


def found(subject: str, *, fix: bool = False) -> list[tuple[State, str]]:
    return [(finding.state, finding.words) for finding in examine(fix=fix) if finding.subject == subject]


def endpoint(*, fix: bool = False) -> tuple[State, str]:
    (finding,) = vendors.webhooks(fix=fix)
    return finding.state, finding.words


@pytest.fixture
def no_endpoint(api):
    """A Stripe that calls nobody, before and afterwards: a reset leaves its endpoints alone."""
    forget_endpoints()
    yield
    forget_endpoints()


def forget_endpoints() -> None:
    for each in client().v1.webhook_endpoints.list().data:
        client().v1.webhook_endpoints.delete(each.id)


def test_all_is_well_with_a_sandbox_that_is_set_up(no_endpoint):
    User.objects.create_superuser("root@rgent.example")
    publish_plans()
    webhook_endpoints.make_endpoint()
    out = StringIO()

    call_command("doctor", stdout=out)

    assert "0 wrong" in out.getvalue()
    assert "The key may use claude-haiku-5-5, claude-sonnet-5-5" in out.getvalue()


def test_it_ends_with_an_error_where_something_is_wrong(api):
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    assert "WRONG staff:     There is no superuser" in out.getvalue()
    assert "WRONG plans:     Not published: Pro Haiku, Pro Sonnet" in out.getvalue()


def test_it_makes_the_webhook_endpoint_when_asked_to(no_endpoint):
    before = endpoint()
    state, words = endpoint(fix=True)
    after = endpoint()

    assert (before[0], state, after[0]) == (State.WRONG, State.LOOK, State.GOOD)
    assert "Set STRIPE_WEBHOOK_SECRET=whsec_" in words
    (made,) = client().v1.webhook_endpoints.list().data
    assert made.url == f"{django_settings.PUBLIC_URL}/webhooks/stripe"
    assert {"invoice.created", "customer.subscription.updated", "charge.dispute.created"} <= set(made.enabled_events)


def test_it_mends_an_endpoint_that_is_disabled_or_told_too_little(no_endpoint):
    made = client().v1.webhook_endpoints.create(
        {"url": webhook_endpoints.our_url(), "enabled_events": ["invoice.created"]}
    )
    told_little = endpoint()
    endpoint(fix=True)
    client().v1.webhook_endpoints.update(made.id, {"disabled": True})
    disabled = endpoint()
    endpoint(fix=True)

    assert (told_little[0], disabled[0]) == (State.WRONG, State.WRONG)
    assert "disabled" in disabled[1]
    assert endpoint()[0] is State.GOOD


def test_every_event_that_is_received_is_asked_for(db):
    from djstripe.signals import WEBHOOK_SIGNALS

    from tests.rgent.test_documentation import receives

    received = {name for name, signal in WEBHOOK_SIGNALS.items() if receives(signal)}

    assert received - set(webhook_endpoints.events_read()) == set()


def test_every_event_that_is_handled_before_dj_stripe_is_asked_for():
    from djstripe.signals import WEBHOOK_SIGNALS

    code = ast.walk(ast.parse(Path(webhooks.__file__).read_text()))
    handled = {node.value for node in code if isinstance(node, ast.Constant) and node.value in WEBHOOK_SIGNALS}

    assert {"refund.created", "invoice.created"} <= handled
    assert handled - set(webhook_endpoints.events_read()) == set()


def test_a_stripe_that_does_not_answer_is_told_and_the_rest_is_looked_at(api, sandbox):
    with sandbox.failing(effect="status", status=503):
        findings = list(examine(fix=False))

    stripes = [finding for finding in findings if finding.subject == "Stripe"]
    assert [finding.state for finding in stripes] == [State.WRONG]
    assert [finding.state for finding in findings if finding.subject == "Claude"] == [State.GOOD]


def test_a_model_that_claude_does_not_have_is_told(api):
    prices = Plan.objects.get(code="pro_haiku").prices
    prices.update(model="claude-nobody-1")

    ((state, words),) = found("Claude")

    assert state is State.WRONG
    assert "ANTHROPIC_API_KEY" in words


def test_a_public_address_that_leads_elsewhere_is_told(api, settings):
    settings.PUBLIC_URL = settings.SANDBOX_URL

    assert found("proxy")[0][0] is State.WRONG


def test_stripes_secret_is_not_told_unless_it_is_made(api):
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    secrets = (django_settings.STRIPE_SECRET_KEY, django_settings.STRIPE_WEBHOOK_SECRET, "whsec_")
    assert not [secret for secret in secrets if secret in out.getvalue()]

"""Calls from pages of other sites."""

import pytest

from rgent.env import env
from tests.chat.http import messages_body, send
from tests.factories import make_subscriber

SITE = "https://app.example.com"
ASKING = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-lang"}
PATHS = ["/v1/messages", "/chat/completions", "/chat", "/api/v1/keys"]


def allowed(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_a_browser_that_asks_for_an_allowed_site_is_let_in(api, settings):
    settings.CORS_ALLOWED_ORIGINS = [SITE]
    for path in PATHS:
        answer = send(api, "OPTIONS", path, headers={"origin": SITE, **ASKING})

        assert (answer.status, answer.body) == (204, b"")
        assert allowed(answer)["access-control-allow-origin"] == SITE
        assert "POST" in allowed(answer)["access-control-allow-methods"]
        assert allowed(answer)["access-control-allow-headers"] == "authorization,x-stainless-lang"
        assert "access-control-allow-credentials" not in answer.headers


def test_a_page_of_an_allowed_site_reads_answers_streams_and_errors(api, settings):
    headers = {"origin": SITE, "x-api-key": make_subscriber().key}
    for origins, fields, status in [
        ([SITE], {}, 200),
        (["*"], {"stream": True}, 200),
        ([SITE], {"max_tokens": 0}, 400),
    ]:
        settings.CORS_ALLOWED_ORIGINS = origins

        answer = send(api, "POST", "/v1/messages", body=messages_body("Hi", **fields), headers=headers)

        assert answer.status == status
        assert allowed(answer) == {"access-control-allow-origin": SITE, "access-control-expose-headers": "*"}
        assert answer.headers["vary"] == "origin"


@pytest.mark.parametrize(
    ("origins", "origin"), [([], SITE), ([SITE], "https://evil.example"), ([SITE], f"{SITE}.evil.example"), (["*"], "")]
)
def test_pages_of_other_sites_are_allowed_nothing(api, settings, origins, origin):
    settings.CORS_ALLOWED_ORIGINS = origins
    for path in PATHS:
        asked = send(api, "OPTIONS", path, headers={"origin": origin, **ASKING})
        called = send(api, "POST", path, body={}, headers={"origin": origin})

        assert asked.status in {401, 405}
        assert not allowed(asked)
        assert not allowed(called)


def test_nothing_but_the_api_is_opened(api, settings):
    settings.CORS_ALLOWED_ORIGINS = ["*"]
    for path in ("/app/", "/accounts/login/", "/admin/", "/webhooks/stripe"):
        assert not allowed(send(api, "OPTIONS", path, headers={"origin": SITE, **ASKING}))
        assert not allowed(send(api, "GET", path, headers={"origin": SITE}))


def test_origins_are_read_as_browsers_write_them(monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", f"{SITE}, http://localhost:3000")

    assert env.origins("CORS_ALLOWED_ORIGINS") == [SITE, "http://localhost:3000"]


@pytest.mark.parametrize(
    "text", ["app.example.com", f"{SITE}/", f"{SITE}/path", "https://", "ftp://a.example", f"{SITE},"]
)
def test_an_origin_of_another_form_ends_the_start(monkeypatch, text):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", text)

    with pytest.raises(Exception, match="CORS_ALLOWED_ORIGINS must be origins such as"):
        env.origins("CORS_ALLOWED_ORIGINS")

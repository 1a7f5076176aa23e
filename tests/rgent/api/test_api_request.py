"""The headers of a request to the API."""

from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest

from rgent.api.api_request import ApiRequest

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/v1/messages",
    "query_string": b"",
    "headers": [
        (b"x-api-key", b"one"),
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"anthropic-beta", b"a"),
        (b"anthropic-beta", b"b"),
        (b"x_api_key", b"an underscore is no hyphen"),
    ],
}
NAMES = ["x-api-key", "X-Api-Key", "Content-Type", "content-length", "anthropic-beta", "accept"]


@pytest.fixture(name="request_headers")
def make_request_headers():
    return ApiRequest(SCOPE, BytesIO()).headers


def test_each_header_is_the_one_that_django_finds(request_headers):
    django = ASGIRequest(SCOPE, BytesIO()).headers

    assert [request_headers.get(name, "none") for name in NAMES] == [django.get(name, "none") for name in NAMES]
    assert request_headers["x-api-key"] == "one"


def test_they_are_the_same_headers_in_all(request_headers):
    assert dict(request_headers) == dict(ASGIRequest(SCOPE, BytesIO()).headers)
    assert len(request_headers) == 4
    assert "accept" not in request_headers

"""`docs/sandbox.md` names every endpoint, and every parameter of each, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.faults import EFFECTS
from sandbox.settings import SETTINGS
from sandbox.stripe_api.all_endpoints import StripeApi
from sandbox.stripe_api.protocol.endpoint import ENDPOINTS, LISTING, Endpoint

assert StripeApi  # importing it fills the table

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
ROUTE = re.compile(r"`((?:(?:GET|POST|DELETE) )+)(/v[12]/[^`]+)`")


def routes_of(text: str) -> set[str]:
    """`GET /v1/account` for each one written as `GET POST /v1/...`."""
    return {f"{method} {path}" for methods, path in ROUTE.findall(text) for method in methods.split()}


def rows_of(endpoint: Endpoint) -> str:
    wanted = f"{endpoint.method} {endpoint.path}"
    return "\n".join(line for line in PAGE.splitlines() if wanted in routes_of(line))


def test_names_every_endpoint_and_no_other():
    assert routes_of(PAGE) == {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_names_every_parameter(endpoint: Endpoint):
    names = {path.partition(".")[0] for path in endpoint.supports} - set(LISTING.split())

    assert [name for name in sorted(names) if f"`{name}`" not in rows_of(endpoint)] == []


def test_names_every_effect_and_setting():
    assert [name for name in (*EFFECTS, *SETTINGS) if f"`{name}`" not in PAGE] == []

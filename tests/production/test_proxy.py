"""The proxy of compose: its directives are nginx's, and its limits fit the product's."""

from pathlib import Path
from typing import Any

import crossplane
import pytest
from django.conf import settings

from tests.production.files import ROOT, SERVICES

CONF = ROOT / "deploy" / "nginx" / "nginx.conf"


def directives(blocks: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return every directive by name; of several the last."""
    found: dict[str, list[str]] = {}
    for block in blocks:
        found[block["directive"]] = block["args"]
        found |= directives(block.get("block", []))
    return found


@pytest.fixture(scope="module")
def conf() -> dict[str, list[str]]:
    """The directives, of which each is nginx's own and stands where nginx takes it."""
    parsed = crossplane.parse(str(CONF), strict=False, check_ctx=True, check_args=True)
    assert [error["error"] for error in parsed["errors"]] == []
    return directives(parsed["config"][0]["parsed"])


def test_streams_are_not_kept_back(conf: dict[str, list[str]]) -> None:
    assert (conf["proxy_buffering"], conf["proxy_request_buffering"]) == (["off"], ["off"])
    assert conf["proxy_http_version"] == ["1.1"]


def test_a_call_may_last_as_long_as_the_product_waits(conf: dict[str, list[str]]) -> None:
    assert float(conf["proxy_read_timeout"][0].removesuffix("s")) > settings.CLAUDE_CALL_LIMIT_S


def test_bodies_that_the_product_takes_pass(conf: dict[str, list[str]]) -> None:
    assert int(conf["client_max_body_size"][0].removesuffix("m")) * 1024 * 1024 > settings.API_MAX_BODY_BYTES


def test_nobody_makes_an_address_up(conf: dict[str, list[str]]) -> None:
    text = CONF.read_text()

    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "$proxy_add_x_forwarded_for" not in text


def test_it_ends_after_the_processes_behind_it() -> None:
    proxy, web = (int(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in ("proxy", "web"))

    assert proxy > web
    assert all(Path(ROOT, volume.partition(":")[0]).exists() for volume in SERVICES["proxy"]["volumes"][:1])

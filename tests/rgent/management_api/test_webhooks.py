"""Webhooks by the management API: secrets are shown once, and what is wrong is told."""

import pytest

from billing.models import EventDelivery
from tests.rgent.management_api.client import Manager

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9/hook"


def test_a_webhook_from_its_beginning_to_its_end(manager: Manager):
    made = manager.ok("POST", "/webhooks", {"url": URL, "events": ["invoice.paid"]}, status=201)
    path = f"/webhooks/{made['id']}"
    rotated = manager.ok("POST", f"{path}/rotate", {"overlap_s": 0}, status=201)
    changed = manager.ok("PATCH", path, {"events": [], "enabled": False})
    refused = manager.error("POST", f"{path}/test")
    manager.ok("PATCH", path, {"enabled": True})
    sent = manager.ok("POST", f"{path}/test", status=201)
    listed = manager.get(f"{path}/deliveries")["data"]
    EventDelivery.objects.update(state=EventDelivery.State.GIVEN_UP)
    again = manager.ok("POST", f"{path}/deliveries/{sent['id']}/resend")
    manager.ok("DELETE", path, status=204)

    assert made["secret"].startswith("whsec_")
    assert rotated["secret"] not in {made["secret"], ""}
    assert "secret" not in changed
    assert (changed["events"], changed["enabled"], changed["disabled_reason"]) == ([], False, "by_hand")
    assert refused[:2] == (409, "conflict_error")
    assert [each["webhook_id"] for each in listed] == [sent["webhook_id"]]
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert manager.get("/webhooks") == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"url": "http://example.com/"}, "https://"),
        ({"url": "https://192.168.0.1/"}, "private network"),
        ({"url": URL, "events": ["invoice.lost"]}, "invoice.lost"),
        ({"url": URL, "secret": "mine"}, "no such field"),
    ],
)
def test_what_is_wrong_is_told(manager: Manager, body, told):
    status, _, message = manager.error("POST", "/webhooks", body)

    assert status == 400
    assert told in message

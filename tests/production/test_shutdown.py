"""The limits of a shutdown fit each other, in code, compose and runbook."""

import re

from billing.ledger.group_commit import ENDING_RETRY_S
from rgent.asgi import CLOSING_S, DRAIN_S
from tests.production.files import DOCKERFILE, ROOT, SERVICES

STREAMS_S = float(re.findall(r'"--timeout-graceful-shutdown", "(\d+)"', DOCKERFILE)[0])
GRACE_S = float(SERVICES["web"]["stop_grace_period"].removesuffix("s"))


def test_a_shutdown_outlasts_the_retries_of_endings():
    assert DRAIN_S > ENDING_RETRY_S


def test_compose_kills_only_after_everything_was_waited_for():
    assert GRACE_S >= STREAMS_S + DRAIN_S + CLOSING_S


def test_the_runbook_says_the_same_numbers():
    told = (
        f"open streams get {STREAMS_S:.0f} seconds, records in flight {DRAIN_S:.0f}, closing {CLOSING_S:.0f}, "
        f"and compose kills after {GRACE_S:.0f}"
    )
    runbook = " ".join((ROOT / "docs" / "runbook.md").read_text().split())

    assert told in runbook
    assert f"up to {ENDING_RETRY_S:.0f} seconds" in runbook

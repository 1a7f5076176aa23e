"""Tasks that wait for Stripe, in a worker whose few threads post usage as well."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from billing import tasks
from billing.metering import posting
from billing.models import MeterEvent
from common import clock
from tests.billing.subscribing import make_paying_customer
from tests.factories import Customer, begin, settle
from tests.flows.waiting import until
from tests.servers import SandboxServer

pytestmark = pytest.mark.usefixtures("committing_db")


def use(customer: Customer, **tokens: int) -> None:
    settle(begin(customer, now=clock.now()), now=clock.now(), **tokens)
    posting.post_due()


def send() -> None:
    try:
        tasks.send_meter_events()
    finally:
        connection.close()


def test_while_one_run_waits_for_stripe_another_leaves_its_thread_at_once(sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    use(customer, input_tokens=7)
    with sandbox.failing(effect="slow", delay_s=3, path="/v1/billing/meter_events"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send)
        until(lambda: MeterEvent.objects.filter(state="sending").exists(), within_s=10, why="nothing is sent")
        use(customer, output_tokens=11)

        tasks.send_meter_events()

        assert not waiting.done()
        assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sending", "pending"}
        waiting.result(timeout=30)
    tasks.send_meter_events()
    assert sum(sandbox.meter_totals().values()) == 18

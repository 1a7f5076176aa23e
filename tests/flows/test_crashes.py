"""kill -9, at bad moments: nothing is lost, and nothing is counted twice."""

from decimal import Decimal
from http.client import HTTPException, HTTPResponse

from tests.flows.client import using
from tests.flows.customer import Customer, paying_customer
from tests.flows.processes import RESTARTED_WITHIN_S, kill_all
from tests.flows.product import Laptop
from tests.flows.stripe_books import HAIKU_INPUT, HAIKU_OUTPUT, StripeBooks
from tests.flows.waiting import becomes, stays, until

WEB, WORKER = "uvicorn", "celery"
# A worker that is killed while it sends leaves a lease of 90 s behind.
SENT_WITHIN_S = 130.0
# An answer of 8 seconds.
SLOW = using(input_tokens=4000, output_tokens=400, chunks=40, chunk_delay_ms=200)


def test_it_meters_every_token_once_although_the_worker_is_killed_twice(laptop: Laptop) -> None:
    customer, client = paying_customer(laptop)
    books = StripeBooks(laptop, email=customer.email)

    for _ in range(2):
        assert client.chat(using(input_tokens=100, output_tokens=10)).status == 200
        kill_all(laptop.var_dir, running=WORKER)
        assert client.chat(using(input_tokens=100, output_tokens=10)).status == 200

    becomes(books.meters, {HAIKU_INPUT: 400, HAIKU_OUTPUT: 40}, within_s=SENT_WITHIN_S)
    assert stays(books.meters, for_s=5) == {HAIKU_INPUT: 400, HAIKU_OUTPUT: 40}


def test_it_keeps_and_never_bills_the_stream_in_which_the_web_server_died(laptop: Laptop) -> None:
    customer, client = paying_customer(laptop)
    books = StripeBooks(laptop, email=customer.email)

    with client.stream(SLOW) as stream:
        request_id = stream.headers["request-id"]
        stream.readline()
        kill_all(laptop.var_dir, running=WEB)
        assert b"message_stop" not in what_is_left(stream)
    until(laptop.is_healthy, within_s=RESTARTED_WITHIN_S, why="the web server was not started again")
    assert client.chat(using(input_tokens=100, output_tokens=10)).status == 200
    assert customer.state_of(request_id) == "Running"
    let_deadline_pass(laptop, request_id=request_id)

    becomes(lambda: customer.state_of(request_id), "Interrupted, free", within_s=30)
    becomes(books.meters, {HAIKU_INPUT: 100, HAIKU_OUTPUT: 10}, within_s=SENT_WITHIN_S)
    becomes(lambda: laptop.count("billing_discrepancy", f"subject = '{request_id}'"), 1, within_s=30)
    assert held_minor(laptop, customer) == 0


def held_minor(laptop: Laptop, customer: Customer) -> Decimal:
    """Return the cents that the customer's requests in flight hold."""
    its_own = f"organization_id = {laptop.organization_id(customer.organization)}"
    ((held,),) = laptop.rows("held_minor", "billing_billingaccount", its_own)
    return Decimal(held)


def what_is_left(stream: HTTPResponse) -> bytes:
    """Read a stream until it ends or breaks off."""
    try:
        return stream.read()
    except (OSError, HTTPException):
        return b""


def let_deadline_pass(laptop: Laptop, *, request_id: str) -> None:
    """Have it be after the deadline by which the request should have ended, and the sweeper come round."""
    laptop.run(
        "from django.utils import timezone; from billing.tasks import find_abandoned_records;"
        f"UsageRecord.objects.filter(request_id='{request_id}').update(deadline_at=timezone.now());"
        "find_abandoned_records.delay()"
    )

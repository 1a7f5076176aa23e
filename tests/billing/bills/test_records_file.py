"""An invoice's file of records, at the sandbox's Stripe, and the script that recomputes the invoice from it."""

import asyncio
import csv
import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import AsyncClient, Client
from stripe import StripeClient

from billing.bills import invoice_records
from billing.bills.invoice_records import final_invoice
from billing.bills.records_file import VERIFIER, records_file
from billing.ledger.entries import Settle
from billing.metering import outbox
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import Plan
from billing.reconciliation.run import reconcile
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.catching_up import catch_up
from billing.subscriptions.ended_bills import bill_what_was_not_invoiced
from billing.subscriptions.plan_changes import cancel_now, change_plan
from billing.tokens import TokenUsage
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import Customer, begin, settle, write
from tests.rgent.management_api.client import make_manager
from tests.sandbox.running import client as stripe_of
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def newest(customer: Customer, stripe: StripeClient) -> str:
    """Sync the invoices, and return the newest one's id."""
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    listed = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1})
    return str(listed.data[0].id)


def file_of(customer: Customer, invoice_id: str) -> str:
    account = customer.account
    return b"".join(records_file(account=account, data=final_invoice(account=account, invoice_id=invoice_id))).decode()


def total_of(text: str) -> str:
    return f"{int(list(csv.DictReader(io.StringIO(text)))[-1]['charged_cents']) / 100:.2f}"


def verify(text: str, folder: Path, *options: str) -> tuple[int, list[str]]:
    """Run the script alone, as a customer would; return its status and what it says."""
    path = folder / "records.csv"
    path.write_bytes(text.encode())
    command = [sys.executable, "-I", str(VERIFIER), str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def kinds(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(text)):
        found[row["kind"]] = found.get(row["kind"], 0) + 1
    return found


def use_all_classes(customer: Customer) -> None:
    classes = {"cache_write_5m_tokens": 71_001, "cache_write_1h_tokens": 5_003, "cache_read_tokens": 900_001}
    use(customer, input_tokens=1_500_007, output_tokens=61_003, **classes)


def use_a_server_tool(customer: Customer) -> None:
    grant = begin(customer, now=clock.now())
    usage = TokenUsage(input_tokens=12_345, output_tokens=99)
    write([Settle(grant=grant, usage=usage, server_tool_use={"web_search_requests": 2})], now=clock.now())
    post_due()


def send() -> None:
    outbox.send_due(now=clock.now())


def a_month(customer: Customer, sandbox: SandboxServer) -> None:
    use_all_classes(customer)
    use_a_server_tool(customer)
    send()
    let_a_month_pass(sandbox, customer)


def a_switch(customer: Customer, sandbox: SandboxServer) -> None:
    use_all_classes(customer)
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())


def a_month_after_a_switch_with_late_usage(customer: Customer, sandbox: SandboxServer) -> None:
    calls = [begin(customer, now=clock.now()) for _ in range(2)]
    a_switch(customer, sandbox)
    use(customer, input_tokens=777_777, output_tokens=12_345)
    for call in calls:
        settle(call, now=clock.now() + timedelta(seconds=1), input_tokens=2_000_001, output_tokens=500_003)
    post_due()
    send()
    bill_late_usage(now=clock.now())
    let_a_month_pass(sandbox, customer)


def a_last_invoice_of_late_usage(customer: Customer, sandbox: SandboxServer) -> None:
    call = begin(customer, now=clock.now())
    use_all_classes(customer)
    cancel_now(account=customer.account, now=clock.now())
    settle(call, now=clock.now() + timedelta(seconds=1), input_tokens=2_000_001)
    post_due()
    bill_late_usage(now=clock.now())
    sandbox.advance("1 day")


def an_end_without_an_invoice(customer: Customer, sandbox: SandboxServer) -> None:
    use_all_classes(customer)
    call = begin(customer, now=clock.now())
    sandbox.advance("1 day")
    stripe_of(sandbox.url).v1.subscriptions.cancel(customer.account.stripe_subscription_id)
    catch_up(now=clock.now() + timedelta(minutes=1))
    settle(call, now=clock.now() + timedelta(seconds=1), input_tokens=3_000_001)
    post_due()
    bill_what_was_not_invoiced()
    bill_late_usage(now=clock.now())
    sandbox.advance("1 day")


SITUATIONS = {
    a_month: {"invoice": 1, "record": 2, "line": 6, "total": 1},
    a_switch: {"invoice": 1, "record": 1, "line": 7, "total": 1},
    a_month_after_a_switch_with_late_usage: {"invoice": 1, "record": 1, "late": 4, "line": 5, "total": 1},
    a_last_invoice_of_late_usage: {"invoice": 1, "late": 1, "line": 1, "total": 1},
    an_end_without_an_invoice: {"invoice": 1, "record": 1, "late": 1, "line": 6, "total": 1},
}


# The switch is of the base alone, and a call in flight is metered.
SITUATIONS_BY_SPEND = {
    a_month: {"invoice": 1, "record": 2, "line": 2, "total": 1},
    a_switch: {"invoice": 1, "line": 2, "total": 1},
    a_month_after_a_switch_with_late_usage: {"invoice": 1, "record": 4, "line": 2, "total": 1},
    a_last_invoice_of_late_usage: {"invoice": 1, "late": 1, "line": 1, "total": 1},
    an_end_without_an_invoice: {"invoice": 1, "record": 1, "late": 1, "line": 2, "total": 1},
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_the_script_recomputes_the_invoice_from_it(
    metering: str,
    sandbox: SandboxServer,
    tmp_path: Path,
    situation: Callable[[Customer, SandboxServer], None],
) -> None:
    customer, stripe = make_paying_customer(), stripe_of(sandbox.url)
    situation(customer, sandbox)
    invoice_id = newest(customer, stripe)

    text = file_of(customer, invoice_id)

    total = f"{stripe.v1.invoices.retrieve(invoice_id).total / 100:.2f}"
    expected = (SITUATIONS_BY_SPEND if metering == "spend" else SITUATIONS)[situation]
    requests = expected.get("record", 0) + expected.get("late", 0)
    assert kinds(text) == expected
    assert verify(text, tmp_path, "--total", total) == (0, [f"The bill is right: {requests} requests, {total} in all."])


def test_usage_that_another_invoice_bills_is_told_in_both(
    customer: Customer, sandbox: SandboxServer, stripe: StripeClient, tmp_path: Path
) -> None:
    """A part of a month came after its invoice was final, and is billed with the next one."""
    use(customer, input_tokens=1_000_000)
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=500_000)
    let_a_month_pass(sandbox, customer)
    first = newest(customer, stripe)
    post_due()
    send()
    reconcile(now=clock.now(), organization_id=customer.organization.id, repair=True)
    bill_late_usage(now=clock.now())
    let_a_month_pass(sandbox, customer)

    files = [file_of(customer, invoice_id) for invoice_id in (first, newest(customer, stripe))]

    told = [[row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "elsewhere"] for text in files]
    assert [[row["input_tokens"] for row in rows] for rows in told] == [["-500000"], ["-1000000"]]
    assert [verify(text, tmp_path)[0] for text in files] == [0, 0]


@pytest.fixture
def text(customer: Customer, sandbox: SandboxServer, stripe: StripeClient) -> str:
    """The file of a month with four requests, in rows 2 to 5."""
    for tokens in (1_000_003, 2_000_005, 3_000_007):
        use(customer, input_tokens=tokens, output_tokens=tokens // 10)
    a_month_later(customer, sandbox)
    return file_of(customer, newest(customer, stripe))


def a_month_later(customer: Customer, sandbox: SandboxServer) -> None:
    use_a_server_tool(customer)
    send()
    let_a_month_pass(sandbox, customer)


def changed(text: str, change: Callable[[list[str]], None]) -> str:
    lines = text.splitlines(keepends=True)
    change(lines)
    return "".join(lines)


def alter(lines: list[str]) -> None:
    lines[3] = lines[3].replace("2000005", "1000005")


def alter_the_price(lines: list[str]) -> None:
    lines[3] = lines[3].replace("0.00013", "0.00012")


def alter_the_instant(lines: list[str]) -> None:
    lines[3] = lines[3].replace("Z,Pro Haiku", "1Z,Pro Haiku")


def leave_out(lines: list[str]) -> None:
    del lines[3]


def swap(lines: list[str]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def repeat(lines: list[str]) -> None:
    lines.insert(4, lines[3])


def cut_off(lines: list[str]) -> None:
    del lines[-1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (alter, "row 3 (req_"),
        (alter_the_price, "row 3 (req_"),
        (alter_the_instant, "row 3 (req_"),
        (leave_out, "row 3 was left out"),
        (swap, "row 3 (req_"),
        (repeat, "row 3 (req_"),
        (cut_off, "the rows at the end were left out"),
    ],
)
def test_a_row_that_was_tampered_with_is_found_and_named(
    text: str, tmp_path: Path, change: Callable[[list[str]], None], told: str
) -> None:
    assert verify(text, tmp_path)[0] == 0

    status, lines = verify(changed(text, change), tmp_path)

    assert status == 1
    assert lines[0].startswith(told)
    assert not [line for line in lines if line.startswith(("row 2 ", "row 4 ", "row 5 ")) and "was" in line]


def test_a_chain_that_was_made_anew_ends_with_other_sums(text: str, tmp_path: Path) -> None:
    """Whoever writes the hashes anew must also write the lines, and ends with another total than Stripe's invoice."""
    rows, chain = [], ""
    for place, line in enumerate(text.splitlines()):
        told = line.rpartition(",")[0].replace("2000005", "1000005")
        chain = hashlib.sha256((chain + told).encode()).hexdigest() if place else ""
        rows.append(f"{told},{chain}\n" if place else f"{line}\n")

    _, lines = verify("".join(rows), tmp_path)
    _, of_another_total = verify(text, tmp_path, "--total", "1.00")

    assert any("the requests have" in line for line in lines)
    assert of_another_total[0].endswith("and the invoice's 1.00")


def test_page_api_and_command_give_the_same_file(
    text: str, customer: Customer, stripe: StripeClient, tmp_path: Path
) -> None:
    invoice_id = newest(customer, stripe)
    browser = Client()
    browser.force_login(customer.organization.memberships.get(role="owner").user)
    page = browser.get(f"/app/billing/invoices/{invoice_id}/").content.decode()

    by_page = browser.get(f"/app/billing/invoices/{invoice_id}/records.csv")
    by_api = make_manager(customer).call("GET", f"/invoices/{invoice_id}/records")
    call_command("invoice_records", invoice_id, output=str(tmp_path / "by_command.csv"))

    assert f"/app/billing/invoices/{invoice_id}/records.csv" in page
    assert b"".join(by_page).decode() == text
    assert b"".join(by_api).decode() == text
    assert (tmp_path / "by_command.csv").read_text() == text
    assert browser.get("/app/billing/verify_bill.py").content == VERIFIER.read_bytes()


def test_a_draft_has_none_yet(customer: Customer, sandbox: SandboxServer, stripe: StripeClient) -> None:
    use(customer, input_tokens=1000)
    sandbox.advance("1 month")
    draft = newest(customer, stripe)

    status, kind, _ = make_manager(customer).error("GET", f"/invoices/{draft}/records")

    assert (status, kind) == (409, "conflict_error")
    with pytest.raises(CommandError, match="draft"):
        call_command("invoice_records", draft)


def test_rows_are_read_in_chunks_while_they_are_sent(
    customer: Customer,
    sandbox: SandboxServer,
    stripe: StripeClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invoice_records, "CHUNK", 2)
    for _ in range(5):
        use(customer, input_tokens=10)
    let_a_month_pass(sandbox, customer)
    account = customer.account
    pieces = records_file(account=account, data=final_invoice(account=account, invoice_id=newest(customer, stripe)))

    sizes = [piece.count(b",record,") for piece in pieces]

    assert [size for size in sizes if size] == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_a_server_sends_it_in_pieces(customer: Customer, sandbox: SandboxServer, stripe: StripeClient) -> None:
    use(customer, input_tokens=1000)
    let_a_month_pass(sandbox, customer)
    invoice_id = newest(customer, stripe)
    browser = AsyncClient()
    browser.force_login(customer.organization.memberships.get(role="owner").user)

    async def download() -> list[bytes]:
        answer = await browser.get(f"/app/billing/invoices/{invoice_id}/records.csv")
        assert answer.is_async
        return [piece async for piece in answer.streaming_content]

    assert len([piece for piece in asyncio.run(download()) if piece]) > 2

"""The books of a run: Claude's ledger, the product's records, Stripe's meters and invoices, once all is at rest."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tests.conservation.deployment import Deployment
from tests.flows.wire import send
from tests.sandbox.running import KEY

CLASSES = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
PAGE = 10_000
# A unit of spend is 10^-7 cent.
UNITS_A_CENT = Decimal(10**7)
SPEND_METER = "rgent_spend_units"


@dataclass(frozen=True)
class Record:
    """A usage record."""

    request_id: str
    organization_id: int
    state: str
    streamed: bool
    estimated: bool
    trial: bool
    model: str
    by_spend: bool
    cost_minor: Decimal
    upstream_request_id: str
    outcome: str
    tokens: dict[str, int]


@dataclass
class Books:
    """All books, as of one moment at rest."""

    served: list[dict[str, Any]]
    records: list[Record]
    late: dict[tuple[str, str], int] = field(default_factory=dict)
    meters: dict[tuple[str, str], int] = field(default_factory=dict)
    customers: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, deployment: Deployment) -> "Books":
        """Read all."""
        customers = dict(
            deployment.rows("SELECT organization_id, stripe_customer_id FROM billing_billingaccount")  # type: ignore[arg-type]
        )
        return cls(
            served=list(_served(deployment)),
            records=[_record(row) for row in deployment.rows(RECORDS)],
            late=_late(deployment, customers),
            meters=_meters(deployment),
            customers=customers,
        )

    @property
    def of_upstream(self) -> dict[str, list[Record]]:
        """The settled records by the id of Claude's call."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            if record.state == "settled":
                found[record.upstream_request_id].append(record)
        return found

    def settled_by_meter(self) -> Counter[tuple[str, str]]:
        """Add up what was settled, by Stripe's customer and meter: tokens, or units of spend. Trials have none."""
        sums: Counter[tuple[str, str]] = Counter()
        for record in self.records:
            if record.state != "settled" or record.trial:
                continue
            customer = self.customers[record.organization_id]
            if record.by_spend:
                sums[customer, SPEND_METER] += int(record.cost_minor * UNITS_A_CENT)
                continue
            for name in CLASSES:
                sums[customer, f"rgent_{record.model.replace('-', '_')}_{name}_tokens"] += record.tokens[name]
        return +sums


RECORDS = f"""
    SELECT record.request_id, record.organization_id, record.state, record.streamed, record.estimated, record.trial,
        record.model, plan.metering, record.cost_minor, record.upstream_request_id, record.outcome,
        {", ".join(f"record.{name}_tokens" for name in CLASSES)}
    FROM billing_usagerecord AS record JOIN billing_plan AS plan ON plan.id = record.plan_id ORDER BY record.id"""  # noqa: S608


def _record(row: tuple[Any, ...]) -> Record:
    *fields, metering, cost, upstream, outcome = row[:11]
    tokens = dict(zip(CLASSES, row[11:], strict=True))
    return Record(*fields, metering == "spend", Decimal(cost), upstream, outcome, tokens)


def _served(deployment: Deployment) -> Any:
    since_id = 0
    while page := deployment.sandbox.claude_ledger(since_id=since_id):
        yield from page
        since_id = page[-1]["id"]


def _late(deployment: Deployment, customers: dict[int, str]) -> dict[tuple[str, str], int]:
    """Return late usage that is in no meter event, by Stripe's customer and meter: it is billed by invoice items."""
    sums: Counter[tuple[str, str]] = Counter()
    for organization_id, model, token_class, quantity in deployment.rows(
        "SELECT organization_id, model, token_class, quantity FROM billing_lateusage WHERE reason = 'changed'"
    ):
        meter = f"rgent_{model.replace('-', '_')}_{token_class}_tokens" if token_class else SPEND_METER
        sums[customers[organization_id], meter] += quantity
    return dict(sums)


def _meters(deployment: Deployment) -> dict[tuple[str, str], int]:
    totals = deployment.sandbox.control("GET", "/meter_totals")["totals"]
    return {(row["customer"], row["event_name"]): int(Decimal(str(row["value"]))) for row in totals}


def invoiced(deployment: Deployment, *, customer_id: str) -> int:
    """Return the tokens and units that a customer's invoices bill: metered lines, and items for late usage."""
    billing = (each for each in _invoices(deployment, customer_id) if each["status"] != "void")
    return sum(_quantity(line) for invoice in billing for line in invoice["lines"]["data"])


def bills_of(deployment: Deployment, *, customer_id: str) -> Iterator[str]:
    """Tell of a customer's invoices, usage by period, ended bills and late usage, for a failure."""
    yield f"{customer_id}:"
    for each in _invoices(deployment, customer_id):
        lines = [(line["description"], _quantity(line), line["amount"]) for line in each["lines"]["data"]]
        yield f"  invoice {each['id']} {each['status']} {each['billing_reason']} of {each['period_start']}: {lines}"
    for row in deployment.rows(f"{LOCAL_INVOICES} '{customer_id}' ORDER BY created"):
        yield f"  known here: {', '.join(map(str, row))}"
    ((its_id,),) = deployment.rows(f"{ORGANIZATION_OF} '{customer_id}'")
    for name, statement in OF_A_CUSTOMER.items():
        for row in deployment.rows(f"{statement} WHERE organization_id = {its_id} ORDER BY 1"):
            yield f"  {name}: {', '.join(map(str, row))}"


LOCAL_INVOICES = "SELECT id, created, stripe_data->>'status' FROM djstripe_invoice WHERE stripe_data->>'customer' ="
ORGANIZATION_OF = "SELECT organization_id FROM billing_billingaccount WHERE stripe_customer_id ="
OF_A_CUSTOMER = {
    "account": "SELECT status, stripe_status, stripe_subscription_id, period_starts_at FROM billing_billingaccount",
    "day": "SELECT period_starts_at, plan_id, trial, input_tokens, output_tokens, cost_minor FROM billing_dailyusage",
    "ended bill": "SELECT starts_at, ended_at, stripe_subscription_id, checked_at FROM billing_endedbill",
    "late": "SELECT period_starts_at, reason, token_class, quantity, state, last_error FROM billing_lateusage",
    "event": "SELECT period_starts_at, occurred_at, event_name, value, state, sent_at FROM billing_meterevent",
}


def _invoices(deployment: Deployment, customer_id: str) -> Iterator[dict[str, Any]]:
    query = {"customer": customer_id, "limit": "100"}
    while True:
        url = f"{deployment.sandbox.url}/v1/invoices?{urlencode(query)}"
        page = json.loads(send("GET", url, headers={"authorization": f"Bearer {KEY}"}).body)
        yield from page["data"]
        if not page["has_more"]:
            return
        query["starting_after"] = page["data"][-1]["id"]


def _quantity(line: dict[str, Any]) -> int:
    """Return a line's tokens or units. The base, and credit for it, is of whole cents each."""
    unit = (line.get("pricing") or {}).get("unit_amount_decimal")
    return int(Decimal(line["quantity_decimal"])) if unit is not None and 0 < Decimal(unit) < 1 else 0

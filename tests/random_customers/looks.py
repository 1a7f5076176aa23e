"""Looking at one customer's figures wherever they are shown, and comparing each with the proof's own arithmetic."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from stripe import StripeClient

from billing.models import Discrepancy, LateUsage, MeterEvent
from billing.reconciliation.run import reconcile
from tests.flows.page import Page
from tests.random_customers import own_books
from tests.random_customers.actor import Actor
from tests.random_customers.own_books import COLUMNS, Call, Line, differences

Served = Mapping[str, Mapping[str, Any]]
Counts = Counter[tuple[str, str]]
# What an operator is shown of acts in Stripe's dashboard, without any figure being wrong.
EXPECTED_KINDS = ("abandoned",)


@dataclass
class Look:
    """One customer, and the truth about them."""

    actor: Actor
    served: Served
    stripe: StripeClient
    now: datetime

    def __post_init__(self) -> None:
        self._browser = Client()
        self._browser.force_login(self.actor.owner)

    def all(self) -> list[str]:
        """Return a sentence for each figure that differs, anywhere."""
        lines, invoices = self._stripes_lines()
        return [
            *self._usage_by_day(),
            *self._usage_of_period(),
            *self._invoices(invoices, lines),
            *own_books.wrong_amounts(lines),
            *own_books.wrong_bases(lines),
            *self._billed_once(lines),
            *self._cap(),
            *self._left_behind(),
        ]

    def books(self) -> str:
        """Tell the usage lines of all invoices, for a failure."""
        lines, invoices = self._stripes_lines()
        made = {invoice["id"]: f"{invoice['billing_reason']}, {invoice['status']}" for invoice in invoices}
        told = [f"  {line} {made[line.invoice]}" for line in lines if line.amount or line.quantity]
        return "\n".join([f"{self.actor.name}, lines of invoices:", *told])

    # --- Usage ---

    def _usage_by_day(self) -> list[str]:
        """Compare the API's report and its file of all days with the calls of each day."""
        found: dict[str, list[str]] = {}
        days = self._days()
        reports = [self._api_rows(days), self._csv_rows(self._text(f"/usage{days}&format=csv"))]
        for kind, rows in zip(("API", "API's CSV"), reports, strict=True):
            tokens: Counter[tuple[str, str, str]] = Counter()
            cents: Counter[str] = Counter()
            for row in rows:
                tokens.update({(row["day"], row["model"], name): int(row[name]) for name in COLUMNS if int(row[name])})
                cents[row["day"]] += Decimal(row["exact_minor"])  # type: ignore[assignment]
            found[kind] = [
                *differences(f"{kind} by day", expected=self._tokens_by_day(), found=tokens),
                *differences(f"{kind}, cents by day", expected=self._cents_by_day(), found=+cents),
            ]
        return [each for kind in found.values() for each in kind]

    def _days(self) -> str:
        first = min((call.begun_at for call in self.actor.calls), default=self.now)
        last = self.now + timedelta(days=1)
        return f"?starts_on={first:%Y-%m-%d}&ends_on={last:%Y-%m-%d}&group_by=day,model"

    def _tokens_by_day(self) -> Counter[tuple[str, str, str]]:
        total: Counter[tuple[str, str, str]] = Counter()
        for call in self._served_calls():
            counts = own_books.tokens([call], served=self.served)
            total.update({(f"{call.ended_at:%Y-%m-%d}", *key): count for key, count in counts.items()})
        return total

    def _cents_by_day(self) -> Mapping[str, Decimal]:
        total: dict[str, Decimal] = {}
        for call in self._paid_calls():
            day, cents = f"{call.ended_at:%Y-%m-%d}", own_books.cost(own_books.tokens([call], served=self.served))
            total[day] = total.get(day, Decimal(0)) + cents
        return total

    def _usage_of_period(self) -> list[str]:
        """Compare the period's report and the portal's file with the calls since it began."""
        report = self.actor.manager.get("/usage")
        begins_at = datetime.fromisoformat(report["range"]["starts_at"])
        expected = own_books.tokens(
            (call for call in self._served_calls() if call.ended_at >= begins_at), served=self.served
        )
        file = self._csv_rows(self._page("/app/usage.csv").content.decode())
        return [
            *differences("API, this period", expected=expected, found=_counts(report["data"])),
            *differences("portal's CSV, this period", expected=expected, found=_counts(file)),
        ]

    # --- Money ---

    def _stripes_lines(self) -> tuple[list[Line], list[Any]]:
        """Return the lines of all final invoices, and the invoices, as Stripe tells them."""
        if not self.actor.customer_id:
            return [], []
        listed = self.stripe.v1.invoices.list({"customer": self.actor.customer_id, "limit": 100}).data
        invoices = [invoice.to_dict() for invoice in listed]
        return [line for invoice in invoices for line in self._lines_of(invoice)], invoices

    def _lines_of(self, invoice: Mapping[str, Any]) -> list[Line]:
        data = invoice["lines"]["data"]
        if invoice["lines"]["has_more"]:
            listed = self.stripe.v1.invoices.line_items.list(invoice["id"], {"limit": 100}).data
            data = [line.to_dict() for line in listed]
        return [own_books.line_of(line, invoice=invoice["id"]) for line in data]

    def _billed_once(self, lines: Sequence[Line]) -> list[str]:
        """Compare the tokens of all invoices, and of the bill that runs, with those of all paid calls, by price."""
        found: Counter[Decimal] = Counter()
        for line in lines:
            if line.is_usage and line.unit is not None:
                found[line.unit] += int(line.quantity)
        bill = self.actor.manager.get("/bill")
        for line in bill["lines"]:
            if (unit := Decimal(line["unit_minor"])) < 1:
                found[unit] += int(Decimal(line["quantity"]))
        expected = own_books.by_price(self._paid_calls(), served=self.served)
        return [*differences("tokens billed, at cents each", expected=expected, found=found), *self._bill(bill)]

    def _bill(self, bill: Mapping[str, Any]) -> list[str]:
        """Compare the cents of the running bill with its own lines, and its page with both."""
        right = [_dollars(own_books.round_half_up(_exact(line))) for line in bill["lines"]]
        told = [_dollars(int(line["charged_minor"])) for line in bill["lines"]]
        rows = _receipt(self._read("/app/billing/"))
        parts = [line for line in bill["lines"] if line.get("parts")]
        return [
            *differences("running bill, cents", expected={"": right}, found={"": told}),
            *differences("billing page, cents", expected={"": right}, found={"": [row[4] for row in rows]}),
            *differences(
                "billing page, tokens",
                expected={"": [_count(line) for line in bill["lines"]]},
                found={"": [row[1] for row in rows]},
            ),
            *differences(
                "parts of spend, exact cents",
                expected={"": [_exact(line) for line in parts]},
                found={"": [sum(Decimal(part["exact_minor"]) for part in line["parts"]) for line in parts]},
            ),
        ]

    def _cap(self) -> list[str]:
        """Compare what counts against a cap: nothing is held, and this period's calls are spent."""
        cap = self.actor.manager.get("/cap")
        found = differences("held", expected={"": Decimal(0)}, found={"": Decimal(cap["held_minor"])})
        if self.actor.manager.get("/subscription")["subscription_id"]:
            begins_at = datetime.fromisoformat(cap["period"]["starts_at"])
            calls = [call for call in self._paid_calls() if call.ended_at >= begins_at]
            spent = own_books.cost(own_books.tokens(calls, served=self.served))
            found += differences("spent", expected={"": spent}, found={"": Decimal(cap["spent_minor"])})
        return found

    def _invoices(self, invoices: Sequence[Mapping[str, Any]], lines: Sequence[Line]) -> list[str]:
        """Compare each invoice of Stripe's with the API and with its page."""
        api = {each["id"]: each for each in self.actor.manager.get("/invoices")}
        found = differences(
            "invoices in the API",
            expected={invoice["id"]: (invoice["status"], invoice["total"]) for invoice in invoices},
            found={id_: (each["status"], int(each["total_minor"])) for id_, each in api.items()},
        )
        for invoice in invoices:
            if invoice["status"] == "draft":
                found.append(f"{invoice['id']} is still a draft")
            own = [line for line in lines if line.invoice == invoice["id"] and (line.amount or line.quantity)]
            found += self._one_invoice(invoice, own) if invoice["id"] in api else []
        return found

    def _one_invoice(self, invoice: Mapping[str, Any], lines: Sequence[Line]) -> list[str]:
        id_ = invoice["id"]
        detail = self.actor.manager.get(f"/invoices/{id_}")
        page = self._read(f"/app/billing/invoices/{id_}/")
        total = [row for row in page.rows if len(row) == 5][-1]
        charged = sorted(_dollars(line.amount) for line in lines)
        exact = sorted(line.quantity * line.unit for line in lines if line.is_usage and line.unit)
        told = [Decimal(line["exact_minor"]) for line in detail["lines"]]
        return [
            *differences(
                f"{id_}, total", expected={"": sum(line.amount for line in lines)}, found={"": invoice["total"]}
            ),
            *differences(
                f"{id_}, API's lines",
                expected={"": sorted(line.amount for line in lines)},
                found={"": sorted(int(line["charged_minor"]) for line in detail["lines"])},
            ),
            *differences(
                f"{id_}, API's exact lines",
                expected={"": exact},
                found={"": sorted(each for each in told if each in exact)},
            ),
            *differences(
                f"{id_}, page's lines",
                expected={"": charged},
                found={"": sorted(row[4] for row in _receipt(page)[: len(lines)])},
            ),
            *differences(f"{id_}, page's total", expected={"": _dollars(invoice["total"])}, found={"": total[4]}),
        ]

    def _left_behind(self) -> list[str]:
        """Return what waits, or was shown to an operator: nothing of a customer whose figures are right."""
        own = {"organization_id": self.actor.organization_id}
        report = reconcile(now=self.now, organization_id=self.actor.organization_id)
        shown = Discrepancy.objects.filter(**own, resolved_at=None).exclude(kind__in=EXPECTED_KINDS)
        return [
            *(f"reconciliation: {each.kind}, {each.subject}, {each.detail}" for each in report.differences),
            *(f"discrepancy: {each}, {each.detail}" for each in shown),
            *(
                f"meter event: {each}, {each.last_error}"
                for each in MeterEvent.objects.filter(**own).exclude(state="sent")
            ),
            *(
                f"late usage: {each}"
                for each in LateUsage.objects.filter(**own, state__in=["rejected", "sending", "pending"])
            ),
        ]

    # --- Reading ---

    def _served_calls(self) -> list[Call]:
        return [call for call in self.actor.calls if call.is_served]

    def _paid_calls(self) -> list[Call]:
        return [call for call in self.actor.calls if call.is_paid]

    def _page(self, path: str) -> Any:
        answer = self._browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer

    def _read(self, path: str) -> Page:
        return Page(url=path, status=200, html=self._page(path).content.decode())

    def _api_rows(self, query: str) -> list[dict[str, Any]]:
        return list(self.actor.manager.get(f"/usage{query}")["data"])

    def _text(self, path: str) -> str:
        answer = self.actor.manager.call("GET", path)
        assert answer.status_code == 200, answer.content
        return str(answer.content.decode())

    def _csv_rows(self, text: str) -> list[dict[str, Any]]:
        return list(csv.DictReader(io.StringIO(text)))


def _receipt(page: Page) -> list[list[str]]:
    """Return the lines of a bill's table, without the parts of a line."""
    rows = [row for row in page.rows if len(row) == 5]
    heads = [place for place, row in enumerate(rows) if row[0] == "Description"]
    if not heads:
        return []
    body = itertools.takewhile(lambda row: row[0] != "Exact total", rows[heads[0] + 1 :])
    return [row for row in body if row[4]]


def _counts(rows: Iterable[Mapping[str, Any]]) -> Counts:
    found: Counts = Counter()
    for row in rows:
        found.update({(row["model"], name): int(row[name]) for name in COLUMNS})
    return +found


def _count(line: Mapping[str, Any]) -> str:
    """Return a line's quantity as the page shows it: of units of spend it is empty."""
    return "" if Decimal(line["unit_minor"]) == own_books.UNIT else f"{int(Decimal(line['quantity'])):,}"


def _exact(line: Mapping[str, Any]) -> Decimal:
    return Decimal(line["unit_minor"]) * Decimal(line["quantity"])


def _dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}"

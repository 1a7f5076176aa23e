"""A customer's cap, spending and holds: the cap is set through the API, all three are read from the database."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from tests.flows.client import Client
from tests.flows.customer import Customer
from tests.flows.product import Product
from tests.flows.waiting import becomes
from tests.flows.wire import send_json

LOOK_EVERY_S = 0.02
CLOSED_WITHIN_S = 20.0


class Whose(StrEnum):
    """The owner of a cap."""

    ORGANIZATION = "your organization"
    KEY = "this key"


TABLES = {
    Whose.ORGANIZATION: "billing_billingaccount budget ON budget.organization_id = api_key.organization_id",
    Whose.KEY: "billing_keybudget budget ON budget.api_key_id = api_key.id",
}


@dataclass(frozen=True)
class Standing:
    """One look at a budget: exact cents."""

    cap_minor: Decimal
    spent_minor: Decimal
    held_minor: Decimal

    @property
    def used_minor(self) -> Decimal:
        """Return the cents that count against the cap."""
        return self.spent_minor + self.held_minor


class Spending:
    """The spending of one key and of its organization."""

    def __init__(self, product: Product, customer: Customer, client: Client) -> None:
        self._product = product
        self._manage = {"authorization": f"Bearer {customer.create_key(name='Manage', scopes='manage')}"}
        self._key_hash = hashlib.sha256(client.key.encode()).hexdigest()

    def cap(self, whose: Whose, cents: Decimal | None) -> None:
        """Set a cap, or lift it, as a customer would."""
        change = {"cap_minor": None if cents is None else str(cents)}
        if whose is Whose.ORGANIZATION:
            self._call("PUT", "/cap", change)
        else:
            self._call("PATCH", f"/keys/{self._key_id}", change)

    @cached_property
    def _key_id(self) -> int:
        keys = self._call("GET", "/keys")["data"]
        return int(next(key["id"] for key in keys if key["name"] == "Production"))

    def standing(self, whose: Whose) -> Standing:
        """Look at a budget now."""
        with self._product.database() as connection:
            return self._look(connection, whose)

    def records(self, columns: str) -> list[tuple[Any, ...]]:
        """Return columns of every usage record of the key."""
        with self._product.database() as connection:
            return self._rows(
                connection, columns=columns, tables="billing_usagerecord record ON api_key_id = api_key.id"
            )

    def wait_until_closed(self) -> None:
        """Wait until every record is closed."""
        becomes(lambda: [state for (state,) in self.records("state") if state == "open"], [], within_s=CLOSED_WITHIN_S)

    @contextmanager
    def watched(self, whose: Whose) -> Iterator[list[Standing]]:
        """Look at a budget again and again until the end of the block, and collect what is seen."""
        seen: list[Standing] = []
        over = threading.Event()

        def watch() -> None:
            with self._product.database() as connection:
                while not over.wait(LOOK_EVERY_S):
                    seen.append(self._look(connection, whose))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def _look(self, connection: Any, whose: Whose) -> Standing:
        (row,) = self._rows(connection, columns="cap_minor, spent_minor, held_minor", tables=TABLES[whose])
        return Standing(*(Decimal(amount or 0) for amount in row))

    def _rows(self, connection: Any, *, columns: str, tables: str) -> list[tuple[Any, ...]]:
        """Read rows that belong to the key. Every value in the statement is one of ours."""
        statement = f"SELECT {columns} FROM accounts_apikey api_key JOIN {tables} WHERE key_hash = '{self._key_hash}'"  # noqa: S608
        return list(connection.execute(statement).fetchall())

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = send_json(method, f"{self._product.url}/api/v1{path}", body, headers=self._manage)
        assert answer.status == 200, answer.body
        return answer.json()

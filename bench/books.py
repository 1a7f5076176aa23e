"""The books of rgent after a run, read from its tables. Every served call must be in them once."""

from dataclasses import dataclass
from decimal import Decimal

import psycopg

RECORDS = "SELECT state, count(*), coalesce(sum(output_tokens), 0) FROM billing_usagerecord GROUP BY state"
COST = "SELECT coalesce(sum(cost_minor), 0) FROM billing_usagerecord"
ACCOUNTS = "SELECT coalesce(sum(spent_minor), 0), coalesce(sum(held_minor), 0) FROM billing_billingaccount"


@dataclass(frozen=True, slots=True)
class Books:
    """Records by state, settled tokens and cost, and the accounts' spending and holds."""

    records: dict[str, int]
    output_tokens: int
    cost_minor: Decimal
    spent_minor: Decimal
    held_minor: Decimal

    def errors(self, *, calls: int, tokens: int) -> list[str]:
        """Return the differences from the served calls and output tokens, none where the books are exact."""
        wrong = []
        if self.records != {"settled": calls}:
            wrong.append(f"{calls} calls were served, the records are {self.records}")
        if self.output_tokens != tokens:
            wrong.append(f"{tokens} tokens of output were served, {self.output_tokens} are recorded")
        if self.cost_minor != self.spent_minor:
            wrong.append(f"the records cost {self.cost_minor} cents, the accounts spent {self.spent_minor}")
        if self.held_minor:
            wrong.append(f"{self.held_minor} cents are still held")
        return wrong


def read_books(database_url: str) -> Books:
    """Read the books from rgent's database."""
    with psycopg.connect(database_url) as connection:
        records = connection.execute(RECORDS).fetchall()
        (cost_minor,) = connection.execute(COST).fetchone() or (Decimal(0),)
        spent_minor, held_minor = connection.execute(ACCOUNTS).fetchone() or (Decimal(0), Decimal(0))
    return Books(
        records={state: number for state, number, _ in records},
        output_tokens=int(sum(tokens for _, _, tokens in records)),
        cost_minor=cost_minor,
        spent_minor=spent_minor,
        held_minor=held_minor,
    )

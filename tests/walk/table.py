"""Reads the tables of expected answers.

The first line of a table names the roles; each further one is an address, after its method where the table has them,
with the expected answer to each role. A cell is a status, or `login` for the way to a page where one signs in; `!`
after it says that rows are written, and without it none may be.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Table = dict[str, dict[str, str]]


def read_table(text: str) -> Table:
    """Return the expected answer by address and role. Raises ValueError where an address stands twice."""
    header, *lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    roles = header.split()
    table: Table = {}
    for line in lines:
        words = line.split()
        address, cells = " ".join(words[: -len(roles)]), words[-len(roles) :]
        if address in table:
            raise ValueError(f"{address} stands twice")
        table[address] = dict(zip(roles, cells, strict=True))
    return table


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to one call: its status, where it leads, and whether rows were written on the way."""

    status: int
    location: str = ""
    wrote: bool = False

    def __str__(self) -> str:
        leads_to_login = self.status == 302 and self.location.startswith(("/accounts/login/", "/admin/login/"))
        return f"{'login' if leads_to_login else self.status}{'!' if self.wrote else ''}"


def differences(seen: Table, expected: Table) -> list[str]:
    """Return a line for every cell that is not as expected."""
    return [
        f"{address} as {role}: expected {cell}, saw {seen[address][role]}"
        for address, cells in expected.items()
        for role, cell in cells.items()
        if seen[address][role] != cell
    ]


def unmatched(expected: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return what stands in one of the two alone: an address without an expectation, or an expectation without one."""
    return sorted(set(expected) ^ set(found))

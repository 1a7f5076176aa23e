"""The documents agree with the code on paths, errors, endpoints and variables."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.conf import settings
from django.dispatch import Signal
from django.urls import get_resolver
from djstripe.signals import WEBHOOK_SIGNALS
from drf_spectacular.generators import SchemaGenerator

from rgent.api.error_catalogue import CATALOGUE, UNEXPECTED
from tests.mutations.catalogue import all_mutations

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> list[str]:
    """Return the links of a document that lead to no file, or to no heading of one."""
    broken = []
    for name, anchor in LINK.findall(document.read_text()):
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{name}#{anchor}")
    return broken


def test_no_sentence_begins_with_what_or_who() -> None:
    begins = re.compile(r'(?:\. |^[ #]*|""")(?:What|Whoever|Who) [a-z][^?\n]*$', flags=re.MULTILINE)
    apps = ("accounts", "billing", "chat", "common", "rgent", "sandbox")
    code = [path for app in apps for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    found = {str(path.relative_to(ROOT)): begins.findall(path.read_text()) for path in code}

    assert {path: sentences for path, sentences in found.items() if sentences} == {}


def table_rows(document: str) -> list[list[str]]:
    """Return the cells of every table row of a document."""
    lines = (ROOT / document).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_links_lead_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_it_tells_callers_of_every_status_and_type_an_error_can_have() -> None:
    told = {(int(row[0]), row[1].strip("`")) for row in table_rows("docs/api.md") if row[0].isdigit()}

    answered = {(int(status), kind) for status, kind in [*CATALOGUE.values(), UNEXPECTED]}

    assert told == answered


def test_it_names_every_endpoint_of_the_management_api_and_no_other() -> None:
    cells = [row[0] for row in table_rows("docs/api.md") if "/api/v1/" in row[0]]
    named = {(method, path) for cell in cells for method, path in endpoints_of(cell)}

    schema = SchemaGenerator().get_schema(request=None, public=True)
    existing = {(method.upper(), path) for path, operations in schema["paths"].items() for method in operations}

    assert named == existing


def test_it_names_every_address_of_the_path_to_claude() -> None:
    told = " ".join(row[0] for row in table_rows("docs/api.md"))

    served = {f"/{path}".replace("<str:model_id>", "{id}") for path in map(str, routes_of(settings.API_URLCONF))}

    assert {path for path in served if f"{path}`" not in told} == set()


def routes_of(urlconf: str) -> Iterator[object]:
    """Yield the patterns of a module of routes."""
    for route in get_resolver(urlconf).url_patterns:
        yield route.pattern


def test_the_readme_names_every_event_that_is_received() -> None:
    listed = re.findall(r"`([a-z_.]+\.\*)`", (ROOT / "README.md").read_text())

    received = [name for name, signal in WEBHOOK_SIGNALS.items() if receives(signal)]

    assert received
    assert [name for name in received if not any(fnmatch(name, each) for each in listed)] == []


def receives(signal: Signal) -> bool:
    """Tell whether one of our receivers listens to a signal of dj-stripe's."""
    found = [entry[1]() for entry in signal.receivers]
    return any(receiver is not None and receiver.__module__.startswith("billing.") for receiver in found)


def endpoints_of(cell: str) -> list[tuple[str, str]]:
    """Return the endpoints of a cell such as "`GET`, `PATCH /api/v1/organization`": methods before a path share it."""
    endpoints, methods = [], []
    for method, path in re.findall(r"`([A-Z]+)(?: (\S+))?`", cell):
        methods.append(method)
        if path:
            endpoints += [(each, path) for each in methods]
            methods = []
    return endpoints


def test_every_variable_of_the_readme_is_explained() -> None:
    rows = [row[0] for row in table_rows("README.md")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}

    explained = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))

    assert named
    assert named - explained == set()


@pytest.mark.parametrize(
    "row", [row for row in table_rows("docs/promises.md") if "](" in row[1]], ids=lambda row: row[2]
)
def test_each_promise_has_a_test_and_a_bug_that_the_test_notices(row: list[str]) -> None:
    _, linked, bug = row
    test, path = re.fullmatch(r"\[(.+)\]\(\.\./(.+)\)", linked).groups()  # type: ignore[union-attr]
    tests_of = {mutation.name: mutation.tests for mutation in all_mutations()}

    assert test == Path(path).name or f"def {test}(" in (ROOT / path).read_text()
    assert {path, f"{path}::{test}"} & {name.partition("[")[0] for name in tests_of[bug.strip("`")]}

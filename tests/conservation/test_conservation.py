"""The parts of conservation that need no run: its requests, its verdicts, and the bugs that it must notice."""

from decimal import Decimal
from random import Random

import pytest

from tests.conservation.books import Books, Record
from tests.conservation.faults import FAULTS
from tests.conservation.history import WHOLE, History, Sent
from tests.conservation.mutants import Mutant, all_mutants
from tests.conservation.requests import KINDS, wanted
from tests.conservation.verdicts import of_books
from tests.mutations.catalogue import ROOT

TOKENS = {"input": 7, "cache_write_5m": 0, "cache_write_1h": 0, "cache_read": 0, "output": 5}


def record(**changed: object) -> Record:
    fields = {
        "request_id": "req_1",
        "organization_id": 1,
        "state": "settled",
        "streamed": False,
        "estimated": False,
        "trial": False,
        "model": "claude-haiku-5-5",
        "by_spend": False,
        "cost_minor": Decimal(1),
        "upstream_request_id": "up_1",
        "outcome": "end_turn",
        "tokens": TOKENS,
    }
    return Record(**{**fields, **changed})  # type: ignore[arg-type]


def served(**changed: object) -> dict[str, object]:
    tokens = {f"{name}_tokens": count for name, count in TOKENS.items()}
    row = {"request_id": "up_1", "tag": "t1", "status": 200, "model": "claude-haiku-5-5", "stream": False}
    return {**row, **tokens, "ended": "complete", **changed}


def sent(**changed: object) -> Sent:
    fields = {"tag": "t1", "customer": "c", "organization_id": 1, "web": "web-1", "surface": "/chat", "kind": "plain"}
    answered = {"ending": WHOLE, "status": 200, "request_id": "req_1", "output_tokens": 5}
    return Sent(**{**fields, **answered, **changed})  # type: ignore[arg-type]


INPUT, OUTPUT = (("cus_1", f"rgent_claude_haiku_5_5_{name}_tokens") for name in ("input", "output"))


def broken(
    *, rows: list[dict[str, object]], records: list[Record], requests: list[Sent], meters: dict[tuple[str, str], int]
) -> set[str]:
    """Return the names of the verdicts that do not hold."""
    books = Books(served=rows, records=records, meters=meters, customers={1: "cus_1"})
    return {verdict.name for verdict in of_books(books, History(sent=requests)) if verdict.broken}


METERS = {INPUT: 7, OUTPUT: 5}


def test_sound_books_hold() -> None:
    assert broken(rows=[served()], records=[record()], requests=[sent()], meters=METERS) == set()


def test_a_call_that_was_cut_is_accounted_for_by_an_abandoned_record() -> None:
    abandoned = record(state="abandoned", upstream_request_id="")

    assert broken(rows=[served()], records=[abandoned], requests=[sent(ending="cut")], meters={}) == set()


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"records": []}, "what-claude-served-is-recorded"),
        ({"rows": []}, "what-is-settled-was-served"),
        ({"rows": [served(), served(request_id="up_2")]}, "what-claude-served-is-recorded"),
        ({"rows": [served(output_tokens=6)]}, "tokens-are-claudes"),
        ({"requests": [sent(output_tokens=6)]}, "whole-answers-are-settled"),
        ({"records": [record(state="void")]}, "whole-answers-are-settled"),
        ({"meters": {**METERS, INPUT: 14}}, "stripe-has-what-was-settled"),
        (
            {
                "requests": [
                    sent(idempotency_key="k"),
                    sent(idempotency_key="k", request_id="req_2", output_tokens=None),
                ]
            },
            "idempotent-answers-are-one",
        ),
        (
            {
                "rows": [served(), served(request_id="up_2")],
                "records": [record(), record(request_id="req_2", upstream_request_id="up_2")],
            },
            "nothing-is-billed-twice",
        ),
    ],
)
def test_a_difference_breaks_its_verdict(change: dict[str, object], verdict: str) -> None:
    sound = {"rows": [served()], "records": [record()], "requests": [sent()], "meters": METERS}

    assert verdict in broken(**{**sound, **change})  # type: ignore[arg-type]


def test_a_seed_draws_the_same_requests_again_and_all_kinds_come() -> None:
    drawn = [[wanted(number=number, chance=chance) for number in range(400)] for chance in (Random("s"), Random("s"))]

    assert drawn[0] == drawn[1]
    assert {request.kind for request in drawn[0]} == set(KINDS)
    assert len({request.tag for request in drawn[0]}) == 400


def test_faults_have_names_of_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("mutant", all_mutants(), ids=lambda mutant: mutant.bug.name)
def test_a_bug_that_it_must_notice_fits_the_code(mutant: Mutant) -> None:
    assert mutant.bug.fits(ROOT)

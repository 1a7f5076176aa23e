"""The verdicts of a run, each a promise by name, with what breaks it and the requests that show it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.conservation.books import CLASSES, Books, Record
from tests.conservation.history import WHOLE, History

MOST_TOLD = 5
MOST_LINES = 150
# A tag, and a sentence about it.
Broken = tuple[str, str]


@dataclass
class Verdict:
    """A promise: it holds where nothing breaks it. `tags` name the requests that do."""

    name: str
    broken: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, name: str, broken: Iterable[Broken]) -> "Verdict":
        """Judge by what was found."""
        found = list(broken)
        return cls(name, [sentence for _, sentence in found], [tag for tag, _ in found if tag])

    def told(self, history: History) -> str:
        """Tell the verdict; where it does not hold, with the history of the requests that break it."""
        if not self.broken:
            return f"holds   {self.name}"
        lines = [f"BROKEN  {self.name}: {len(self.broken)}", *self.broken[:MOST_LINES]]
        return "\n".join([*lines, history.told(self.tags[:MOST_TOLD])]).rstrip()


def of_books(books: Books, history: History) -> list[Verdict]:
    """Judge conservation: what Claude served, what the product recorded, and what clients had."""
    return [
        Verdict.on("what-claude-served-is-recorded", _served_unrecorded(books, history)),
        Verdict.on("what-is-settled-was-served", _settled_unserved(books)),
        Verdict.on("nothing-is-billed-twice", _billed_twice(books)),
        Verdict.on("tokens-are-claudes", _other_tokens(books)),
        Verdict.on("whole-answers-are-settled", _whole_unsettled(books, history)),
        Verdict.on("idempotent-answers-are-one", _answered_apart(history)),
        Verdict.on("stripe-has-what-was-settled", _stripe_apart(books)),
    ]


def _tokens(row: dict[str, object]) -> dict[str, int]:
    return {name: int(str(row[f"{name}_tokens"])) for name in CLASSES}


def _served_unrecorded(books: Books, history: History) -> Iterator[Broken]:
    """Yield calls that Claude served and neither a settled nor an abandoned record of their customer stands for."""
    of_tag = {each.tag: each.organization_id for each in history.sent}
    settled = books.of_upstream
    unsettled: dict[tuple[int, str, bool], list[str]] = defaultdict(list)
    for row in books.served:
        if row["status"] == 200 and row["request_id"] not in settled and row["tag"] in of_tag:
            unsettled[of_tag[row["tag"]], row["model"], row["stream"]].append(row["tag"])
    abandoned = Counter((each.organization_id, each.model) for each in books.records if each.state == "abandoned")
    of_model: dict[tuple[int, str], list[str]] = defaultdict(list)
    for (organization_id, model, _), tags in unsettled.items():
        of_model[organization_id, model] += tags
    for key, tags in of_model.items():
        if len(tags) > abandoned[key]:
            told = f"organization {key[0]}: Claude served {len(tags)} calls more than are settled ({', '.join(tags)}), "
            yield from ((tag, f"{told}{abandoned[key]} are abandoned") for tag in tags)


def _settled_unserved(books: Books) -> Iterator[Broken]:
    """Yield settled records of calls that Claude's ledger does not have, or that a second record stands for."""
    served = {row["request_id"]: row["tag"] for row in books.served}
    for upstream, records in books.of_upstream.items():
        if upstream not in served:
            yield "", f"{records[0].request_id} is settled for {upstream!r}, which Claude did not serve"
        elif len(records) > 1:
            yield served[upstream], f"{[each.request_id for each in records]} are all settled for {upstream}"


def _billed_twice(books: Books) -> Iterator[Broken]:
    """Yield tags, each one wish of a client, for which two records are settled."""
    settled = books.of_upstream
    records: dict[str, list[Record]] = defaultdict(list)
    for row in books.served:
        if row["tag"] and row["tag"] != "probe":
            records[row["tag"]] += settled.get(row["request_id"], [])
    for tag, found in records.items():
        if len(found) > 1:
            yield tag, f"{tag} is settled {len(found)} times: {[each.request_id for each in found]}"


def _other_tokens(books: Books) -> Iterator[Broken]:
    """Yield settled records with other tokens than Claude served. Of an estimate the output is what the client saw."""
    settled = books.of_upstream
    for row in books.served:
        for record in settled.get(row["request_id"], []):
            right = _tokens(row)
            found = dict(record.tokens)
            if record.estimated:
                found["output"] = right["output"] if found["output"] <= right["output"] + 20 else found["output"]
            if found != right:
                yield row["tag"], f"{record.request_id} has {found}, Claude served {right} (ended {row['ended']})"


def _whole_unsettled(books: Books, history: History) -> Iterator[Broken]:
    """Yield answers that a client had whole and that are not settled, or with another output than it was told."""
    by_id = {record.request_id: record for record in books.records}
    for sent in history.sent:
        if sent.ending != WHOLE:
            continue
        record = by_id.get(sent.original_request_id or sent.request_id)
        if record is None or record.state != "settled":
            state = record.state if record else "unknown"
            yield sent.tag, f"{sent.tag} had its answer whole; its record {sent.request_id} is {state}"
        elif sent.output_tokens not in (None, record.tokens["output"]):
            yield sent.tag, f"{sent.tag} was told {sent.output_tokens} tokens; {record.tokens['output']} are settled"


def _answered_apart(history: History) -> Iterator[Broken]:
    """Yield Idempotency-Keys under which two different requests were answered."""
    answered: dict[str, set[str]] = defaultdict(set)
    tags: dict[str, str] = {}
    for sent in history.sent:
        if sent.idempotency_key and sent.ending == WHOLE:
            answered[sent.idempotency_key].add(sent.original_request_id or sent.request_id)
            tags[sent.idempotency_key] = sent.tag
    for key, ids in answered.items():
        if len(ids) > 1:
            yield tags[key], f"{tags[key]} was answered by {sorted(ids)}"


def _stripe_apart(books: Books) -> Iterator[Broken]:
    """Yield the meters of customers that hold something else than what was settled and is billed by meter."""
    settled = books.settled_by_meter()
    for key in sorted(set(settled) | set(books.meters)):
        expected = settled.get(key, 0) - books.late.get(key, 0)
        if books.meters.get(key, 0) != expected:
            customer, meter = key
            yield "", f"{customer}: {meter} holds {books.meters.get(key, 0):,}; {expected:,} were settled for it"

"""The verdicts on a run's conduct: answers in time, recovery in time, kills at bad moments, no 500."""

from collections.abc import Iterator

from tests.conservation.faults import FAULTS
from tests.conservation.history import WHOLE, History, Struck
from tests.conservation.load import ANSWERED_WITHIN_S
from tests.conservation.verdicts import Broken, Verdict
from tests.conservation.watching import Probes

LEAST_SERVED = 0.35
LEAST_KILLS_IN_FLIGHT = 0.5
CEILINGS_S = {fault.name: fault.recovers_within_s for fault in FAULTS}
# Requests of these kinds ask Claude for an error, which is passed on.
ASKED_TO_FAIL = ("refused_by_claude", "broken_by_claude")


def of_conduct(history: History, probes: Probes) -> list[Verdict]:
    """Judge how the product behaved, and whether the run was one."""
    return [
        Verdict.on("every-request-is-answered-in-time", _unanswered(history)),
        Verdict.on("every-fault-is-recovered-from-in-time", _unrecovered(history, probes)),
        Verdict.on("no-answer-is-a-500", _internal_errors(history)),
        Verdict.on("the-run-counts", _reasons_not_to_count(history)),
    ]


def _unanswered(history: History) -> Iterator[Broken]:
    """Yield requests that waited for longer than anything may take, less the pauses of the process they waited for."""
    for sent in history.sent:
        paused_s = sum(_overlap(fault, sent.begun_s, sent.ended_s) for fault in history.struck if _hangs(fault))
        if sent.took_s > ANSWERED_WITHIN_S + paused_s:
            yield sent.tag, f"{sent.tag} waited {sent.took_s:.0f} s for its end: {sent.ending} {sent.said}"


def _hangs(fault: Struck) -> bool:
    return fault.name.startswith(("pause web", "link: hang", "link: half_open"))


def _overlap(fault: Struck, begun_s: float, ended_s: float) -> float:
    return max(0.0, min(fault.ended_s or ended_s, ended_s) - max(fault.began_s, begun_s))


def _unrecovered(history: History, probes: Probes) -> Iterator[Broken]:
    """Yield faults after which a web server did not answer in time, less the time that later ones took."""
    strikes = [fault for fault in history.struck if fault.name in CEILINGS_S]
    for place, fault in enumerate(strikes):
        fault.recovered_s = probes.recovered_s(fault)
        if fault.recovered_s is None:
            continue
        until_s = fault.ended_s + fault.recovered_s
        later = [each for each in strikes[place + 1 :] if each.began_s < until_s]
        earlier = [each for each in strikes[:place] if "web" in each.name]
        ceiling_s = CEILINGS_S[fault.name] + sum(each.ended_s - each.began_s for each in later)
        ceiling_s = max([ceiling_s, *(CEILINGS_S[each.name] for each in [*later, *earlier[-2:]])])
        if fault.recovered_s > ceiling_s:
            yield "", f"{fault.name} at {fault.began_s:.0f} s: answered again after {fault.recovered_s:.1f} s"


def _internal_errors(history: History) -> Iterator[Broken]:
    for sent in history.sent:
        if sent.status == 500 and sent.kind not in ASKED_TO_FAIL:
            yield sent.tag, f"{sent.tag} ({sent.kind}): {sent.said}"


def _reasons_not_to_count(history: History) -> Iterator[Broken]:
    """Yield reasons why a run proves nothing: hardly anything was served, or kills met nothing under way."""
    served = sum(sent.ending == WHOLE for sent in history.sent)
    if not history.sent or served < LEAST_SERVED * len(history.sent):
        yield "", f"{served} of {len(history.sent)} requests were answered whole"
    kills = [fault for fault in history.struck if fault.kills and fault.open_records is not None]
    in_flight = sum(bool(fault.open_records) for fault in kills)
    if in_flight < LEAST_KILLS_IN_FLIGHT * len(kills):
        yield "", f"{in_flight} of {len(kills)} kills met open records"

"""All invariants, by the promise that each holds."""

from billing.invariants import outbox, records, rest, spending, totals, trial
from billing.invariants.breach import Invariant

INVARIANTS = [
    # Conservation: nothing lost, nothing twice.
    Invariant(
        name="no-record-stays-open",
        promise="A record that a crash left open is closed soon after its deadline.",
        breaches=records.left_open,
    ),
    Invariant(
        name="closed-is-posted",
        promise="A closed record is in the totals and meter events within minutes.",
        breaches=records.left_unposted,
    ),
    Invariant(
        name="posted-is-closed",
        promise="A posted record is over, and is in the totals in one state.",
        breaches=records.posted_while_open,
        reads_all=True,
    ),
    Invariant(
        name="abandoned-is-shown",
        promise="An abandoned record is put before an admin.",
        breaches=records.abandoned_unshown,
        reads_all=True,
    ),
    Invariant(
        name="every-request-counts",
        promise="The daily totals count each posted request once.",
        breaches=totals.requests_uncounted,
        reads_all=True,
    ),
    Invariant(
        name="answered-is-settled",
        promise="An answer that is kept for repetitions is one of a settled request, and each such has one.",
        breaches=records.answers_apart,
    ),
    Invariant(
        name="events-keep-their-bounds",
        promise="A meter event crosses no UTC hour and no beginning of a billing period.",
        breaches=outbox.across_a_boundary,
    ),
    Invariant(
        name="events-freeze-when-sent",
        promise="A meter event that was sent once takes in nothing more.",
        breaches=outbox.unsound,
    ),
    Invariant(
        name="events-are-sent",
        promise="A meter event that is due is sent within minutes, as far as Stripe can be reached.",
        breaches=outbox.waiting,
    ),
    Invariant(
        name="refusals-are-shown",
        promise="A meter event that Stripe does not take is put before an admin.",
        breaches=outbox.unshown,
    ),
    Invariant(
        name="changes-end",
        promise="A change of a subscription ends within the hour; usage waits for it.",
        breaches=records.changing_for_ever,
    ),
    # A cap is a cap.
    Invariant(
        name="holds-are-of-open-records",
        promise="A budget holds what its open records may cost, to the last decimal.",
        breaches=spending.held_otherwise,
    ),
    Invariant(
        name="spending-is-of-records",
        promise="A budget counts as spent what its records of the period cost, to the last decimal.",
        breaches=spending.spent_otherwise,
    ),
    Invariant(
        name="caps-are-kept",
        promise="A budget spends and holds no more than its cap, unless the cap was changed.",
        breaches=spending.over_their_caps,
    ),
    Invariant(
        name="capped-keys-are-known",
        promise="An account knows whether any key of it is capped.",
        breaches=spending.capped_unknown,
    ),
    Invariant(
        name="holds-cover-costs",
        promise="No request costs more than was held for it.",
        breaches=records.dearer_than_held,
        reads_all=True,
    ),
    # The trial is exactly as large as it is.
    Invariant(
        name="trials-count-requests",
        promise="The trial counts the requests that were answered or still run.",
        breaches=trial.counted_otherwise,
    ),
    Invariant(
        name="trials-are-kept",
        promise="Nobody has more free requests than the trial has.",
        breaches=trial.beyond_its_requests,
    ),
    Invariant(
        name="trials-count-tokens",
        promise="The trial counts the tokens that its records used or set aside.",
        breaches=trial.tokens_otherwise,
        reads_all=True,
    ),
    # One number, and exact money.
    Invariant(
        name="figures-agree",
        promise="Records, totals, prices and meter events of each open period agree to the token and the cent.",
        breaches=totals.differing_figures,
    ),
    Invariant(
        name="hours-add-up",
        promise="The hours of a period add up to its days.",
        breaches=totals.hours_apart_from_days,
    ),
    Invariant(
        name="unbilled-costs-nothing",
        promise="A void or abandoned record has no tokens and no cost.",
        breaches=records.unbilled_with_a_price,
        reads_all=True,
    ),
    Invariant(
        name="organizations-have-accounts",
        promise="Every organization has a billing account.",
        breaches=records.without_an_account,
    ),
    # At rest: nothing runs, and all is with Stripe.
    Invariant(name="at-rest-nothing-is-open", promise="No record is open.", breaches=rest.open_records, at_rest=True),
    Invariant(name="at-rest-nothing-is-held", promise="No budget holds anything.", breaches=rest.holds, at_rest=True),
    Invariant(
        name="at-rest-all-is-posted",
        promise="Every closed record is in the totals.",
        breaches=rest.unposted_records,
        at_rest=True,
    ),
    Invariant(
        name="at-rest-all-is-sent",
        promise="Stripe has all meter events and all late usage.",
        breaches=rest.unsent_usage,
        at_rest=True,
    ),
    Invariant(
        name="at-rest-nothing-changes",
        promise="No subscription is being changed.",
        breaches=rest.changes,
        at_rest=True,
    ),
]

"""Moves: standing subscribers are taken to another version of their plan, or to another plan.

An admin plans them; the worker mails their notice and makes each when it is due (`making_moves`). Every move is a row
of the journal, and a move that was made can be taken back by another one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from billing.models import BillingAccount, Plan, PlanMove, PlanVersion
from billing.periods import period_at
from billing.plans.price_lists import prices_as_of
from billing.plans.versions import add_version
from billing.subscriptions.move_notice import tell_of_move

State, When = PlanMove.State, PlanMove.When


class CannotMove(Exception):
    """The move cannot be planned, or not be called off or taken back any more. The message says why."""


def subscribers(*, plan: Plan) -> QuerySet[BillingAccount]:
    """Return the accounts that are subscribed to a plan, in order."""
    standing = BillingAccount.objects.filter(plan=plan).exclude(stripe_subscription_id="")
    return standing.exclude(status=BillingAccount.Status.TRIAL).select_related("organization", "plan").order_by("id")


def to_be_moved(accounts: QuerySet[BillingAccount], *, version: PlanVersion) -> QuerySet[BillingAccount]:
    """Leave out the accounts that have the version, and those of which a move is planned."""
    there = Q(plan_id=version.plan_id, priced_at=version.priced_at)
    moving = PlanMove.objects.filter(state__in=[State.PLANNED, State.MOVING]).values("organization_id")
    return accounts.exclude(there).exclude(organization_id__in=moving)


def due_at(*, account: BillingAccount, when: str, notice: timedelta, now: datetime) -> datetime:
    """Return the instant of a move: the end of the notice, or the first renewal at which it is over."""
    earliest = (now + notice).replace(microsecond=0)
    if when == When.NOW:
        return earliest
    return period_at(anchor=account.anchor_at, instant=earliest).ends_at


@transaction.atomic
def plan_moves(
    *,
    accounts: Iterable[BillingAccount],
    version: PlanVersion,
    when: str,
    notice: timedelta,
    planned_by: User | None,
    now: datetime,
) -> list[PlanMove]:
    """Write the moves of these accounts to a version into the journal, and their notices. `now` is billing time.

    Accounts that have the version, or are being moved already, are left out.
    """
    ids = [account.id for account in accounts]
    chosen = to_be_moved(BillingAccount.objects.filter(id__in=ids), version=version).select_for_update()
    moves = [
        PlanMove.objects.create(
            organization_id=account.organization_id,
            from_version=version_of(account),
            to_version=version,
            when=when,
            due_at=due_at(account=account, when=when, notice=notice, now=now),
            planned_by=planned_by,
            planned_at=now,
        )
        for account in chosen.order_by("id")
    ]
    for move in moves:
        tell_of_move(move)
    return moves


def version_of(account: BillingAccount) -> PlanVersion:
    """Return the version that an account has. One from before there were versions is written down now."""
    found = PlanVersion.objects.filter(plan_id=account.plan_id, priced_at=account.priced_at).first()
    return found or add_version(
        plan=account.plan,
        prices=prices_as_of(plan_id=account.plan_id, priced_at=account.priced_at),
        base_price=account.plan.base_price,
        stripe_base_price_id="",
        priced_at=account.priced_at,
        offered=False,
    )


def call_off(*, move: PlanMove, now: datetime) -> None:
    """Call off a move that has not begun. Raises CannotMove."""
    planned = PlanMove.objects.filter(id=move.id, state=State.PLANNED, base_moved_at=None)
    if not planned.update(state=State.CALLED_OFF, ended_at=now, outcome="Called off before it began."):
        raise CannotMove(f"{move.organization}: the move has begun, or ended. Take it back once it is made.")


def take_back(*, move: PlanMove, when: str, notice: timedelta, planned_by: User | None, now: datetime) -> PlanMove:
    """Plan the way back to the version that a move was from. Raises CannotMove."""
    if move.state != State.MADE or PlanMove.objects.filter(takes_back=move).exists():
        raise CannotMove(f"{move.organization}: only a move that was made can be taken back, and only once.")
    account = BillingAccount.objects.get(organization_id=move.organization_id)
    if (account.plan_id, account.priced_at) != (move.to_version.plan_id, move.to_version.priced_at):
        raise CannotMove(f"{move.organization}: the subscription has other prices by now.")
    back = plan_moves(
        accounts=[account],
        version=move.from_version,
        when=when,
        notice=notice,
        planned_by=planned_by,
        now=now,
    )
    if not back:
        raise CannotMove(f"{move.organization}: another move is planned. Call it off first.")
    back[0].takes_back = move
    back[0].save(update_fields=["takes_back"])
    return back[0]

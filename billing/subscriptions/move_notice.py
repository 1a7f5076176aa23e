"""The notice of a move, to owners and admins."""

from billing.mail.prices import PriceMove, tell_of_price_change
from billing.models import PlanMove
from billing.plans.version_changes import changes_between


def tell_of_move(move: PlanMove) -> None:
    """Have the organization told which of its prices change when, in the caller's transaction.

    Nothing is told where no price differs.
    """
    changes = changes_between(move.from_version, move.to_version)
    if not changes:
        return
    tell_of_price_change(
        organization_ids=[move.organization_id],
        change=f"move {move.id}",
        plan_name=move.to_version.plan.name,
        moves=[PriceMove(name=change.name, before=change.before, after=change.after) for change in changes],
        takes_effect_at=move.due_at,
    )

"""Whether disputed payments take an account's access away, by the rule of DISPUTES_SUSPEND."""

from django.conf import settings

from billing.models import Dispute

COUNTING = {"never": (), "lost": Dispute.LOST, "open": (*Dispute.OPEN, *Dispute.LOST)}


def is_suspended_by_dispute(organization_id: int) -> bool:
    """Tell whether a dispute that staff did not forgive takes the organization's access away."""
    counting = COUNTING[settings.DISPUTES_SUSPEND]
    disputes = Dispute.objects.filter(organization_id=organization_id, forgiven_at=None, status__in=counting)
    return bool(counting) and disputes.exists()

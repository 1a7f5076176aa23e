"""One free trial for a mailbox: of several organizations that its owner opens, the first has it.

It is claimed when an address is confirmed, so that nobody uses up the trial of a mailbox that is not theirs.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.addresses import mailbox_of
from accounts.secret_hash import secret_hash
from billing.models import BillingAccount, Plan, TrialGrant

logger = logging.getLogger(__name__)


@transaction.atomic
def claim_trial(*, organization_id: int, email: str, now: datetime) -> bool:
    """Claim a confirmed address's trial for an organization. Returns False, and ends its trial, if another had it."""
    has_one = TrialGrant.objects.filter(organization_id=organization_id).exists()
    _, is_new = TrialGrant.objects.get_or_create(
        mailbox_hash=secret_hash(mailbox_of(email)),
        defaults={"organization_id": organization_id, "granted_at": now},
    )
    if is_new or has_one or not settings.TRIAL_ONCE_PER_MAILBOX:
        return True
    _end_trial(organization_id)
    return False


def _end_trial(organization_id: int) -> None:
    requests = Plan.objects.get(is_trial=True).trial_requests
    BillingAccount.objects.filter(organization_id=organization_id).update(trial_used=requests, had_trial_before=True)
    logger.info("a mailbox had its free trial before", extra={"organization_id": organization_id})

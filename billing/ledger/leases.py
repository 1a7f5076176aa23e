"""Leases: each web process renews its own every few seconds, so that the records of a dead one are closed soon.

The database's clock judges all of them, so machines need not agree on the time. A lease that has run out is only
suspected at first, since nobody can renew while the database itself is away. A process counts as dead once the database
has answered for a while and the process still has not renewed.
"""

import os
import secrets
from datetime import timedelta

from django.db.models.functions import Now

from billing.models import ProcessLease

RENEW_EVERY_S = 4.0
RUNS_OUT_AFTER = timedelta(seconds=15)
DEAD_AFTER_SUSPICION = timedelta(seconds=10)
KEPT_FOR = timedelta(days=1)


# Drawn once for each process of the operating system: a fork is another process.
_process_ids: dict[int, int] = {}


def process_id() -> int:
    """Return the id by which this process's records are known."""
    return _process_ids.setdefault(os.getpid(), secrets.randbits(63))


def renew() -> None:
    """Renew this process's lease. Call it every RENEW_EVERY_S seconds."""
    own = ProcessLease.objects.filter(process_id=process_id())
    if not own.update(renewed_at=Now(), suspected_at=None):
        ProcessLease.objects.create(process_id=process_id(), renewed_at=Now())


def dead_processes() -> list[int]:
    """Return the processes that are known to be dead, and suspect those whose leases have run out."""
    leases = ProcessLease.objects.order_by("process_id")
    leases.filter(renewed_at__lt=Now() - KEPT_FOR).delete()
    leases.filter(renewed_at__lt=Now() - RUNS_OUT_AFTER, suspected_at=None).update(suspected_at=Now())
    dead = leases.filter(suspected_at__lt=Now() - DEAD_AFTER_SUSPICION)
    return list(dead.values_list("process_id", flat=True))

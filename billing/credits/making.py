"""Rows that are made at Stripe: credit grants, promotion codes and credit notes. Each is written first, and then sent.

Stripe may not answer, and the process may be killed between the two. The worker sends what is still pending, under the
row's own idempotency key, so a row may be sent any number of times, within a day.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import QuerySet

from billing.models.made_at_stripe import MadeAtStripe
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=MadeAtStripe)

# Stripe forgets an idempotency key after a day (docs.stripe.com/api/idempotent_requests). A later try may make another.
SENT_FOR = timedelta(hours=23)
# Until then the process that wrote the row is sending it.
SENT_AGAIN_AFTER = timedelta(minutes=1)
UNCLEAR = "Stripe gave no answer for a day. Look there whether it was made, and make it again here if it was not."


@dataclass(frozen=True, slots=True, kw_only=True)
class Making(Generic[Row]):
    """One kind of row, and the function that makes one at Stripe and notes that it did. It may be called again."""

    model: type[Row]
    make: Callable[[Row], None]

    def send(self, row: Row) -> None:
        """Make a pending row at Stripe. Raises StripeUnavailable, after which the worker tries again.

        A refusal is kept on the row, and raised as StripeRejected.
        """
        pending = self._pending().filter(pk=row.pk)
        try:
            self.make(row)
        except StripeRejected as error:
            pending.update(state=MadeAtStripe.REJECTED, last_error=str(error)[:500])
            raise
        except StripeUnavailable as error:
            pending.update(last_error=str(error)[:500])
            raise

    def send_pending(self, *, now: datetime) -> int:
        """Send the rows that Stripe has not taken yet; return how many it took. `now` is wall time."""
        taken, pending = 0, self._pending().filter(created_at__lt=now - SENT_AGAIN_AFTER)
        pending.filter(created_at__lt=now - SENT_FOR).update(state=MadeAtStripe.REJECTED, last_error=UNCLEAR)
        for row in pending.order_by("id"):
            told = {"kind": self.model._meta.verbose_name, "row": row.pk}
            try:
                self.send(row)
            except StripeUnavailable as error:
                logger.warning("Stripe did not make a row", extra={**told, "error": str(error)})
                break
            except StripeRejected as error:
                logger.error("Stripe refused to make a row", extra={**told, "error": str(error)})
            else:
                taken += 1
        return taken

    def _pending(self) -> QuerySet[Row]:
        return self.model._default_manager.filter(state=MadeAtStripe.PENDING)

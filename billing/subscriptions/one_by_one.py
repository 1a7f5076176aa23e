"""Going through accounts so that one which fails stops none of the others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseFault

from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

# After so many in a row Stripe is unavailable for all, and each more would be waited for.
MOST_UNAVAILABLE = 3


class OneByOne:
    """Guards each step of a run: what goes wrong in it is logged, and the run goes on with the next.

    `all_reached` tells whether Stripe and the database have served every step so far.
    """

    def __init__(self) -> None:
        self.all_reached = True
        self._unavailable = 0

    @contextmanager
    def step(self, **about: object) -> Iterator[None]:
        """Guard one step; `about` names its account or object in the log.

        Raises StripeUnavailable from the third step in a row that met it.
        """
        try:
            yield
        except StripeUnavailable as error:
            self.all_reached = False
            self._unavailable += 1
            if self._unavailable >= MOST_UNAVAILABLE:
                raise
            logger.warning("Stripe does not tell of an account now", extra={**about, "error": str(error)})
            return
        except StripeRejected as error:
            logger.error("Stripe refused to tell of an account", extra={**about, "error": str(error)})
        except Exception as error:
            # A database that went away comes back: then the step may go well. Of other faults that is not known.
            self.all_reached = self.all_reached and not isinstance(error, DatabaseFault)
            logger.exception("an account could not be brought in line with Stripe", extra=about)
        self._unavailable = 0

"""How many people sign up in a day: in all, and from one network. Each may cost a free trial and a mail."""

import logging
from datetime import datetime

from django.conf import settings

from accounts.counts import count_today

logger = logging.getLogger(__name__)


class TooManySignUps(Exception):
    """The day's sign-ups are used up. The message says whose, and how to go on."""


def count_sign_up(*, network: str, now: datetime) -> None:
    """Count a sign-up, with a known address or an unknown one. Raises TooManySignUps.

    The network comes first: one that is over its own limit uses nothing up of everybody's.
    """
    most_of_network, most = settings.SIGN_UPS_A_DAY_PER_NETWORK, settings.SIGN_UPS_A_DAY
    if most_of_network and count_today(f"sign-ups:{network}", now=now) > most_of_network:
        logger.warning("a network used its sign-ups of the day", extra={"network": network, "most": most_of_network})
        raise TooManySignUps(
            "Your network has opened many accounts today. Try again tomorrow, or from another network."
        )
    if most and count_today("sign-ups", now=now) > most:
        logger.error("all sign-ups of the day are used", extra={"network": network, "most": most})
        raise TooManySignUps("We cannot open more accounts today. Try again tomorrow.")

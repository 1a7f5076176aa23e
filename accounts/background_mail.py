"""Mail that is sent beside the request: how long the mail server takes tells nobody whether an address is known.

It is kept in memory. A mail that a killed process loses is asked for again on the page that waits for its code; an
ordinary shutdown sends what is left.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.core.mail import EmailMessage

logger = logging.getLogger(__name__)

PAUSES_S = (1.0, 10.0)
# While a mail server hangs, a request for one more waits: memory stays bounded, and no notice is dropped.
MOST_WAITING = 1000

_room = threading.BoundedSemaphore(MOST_WAITING)
_senders = ThreadPoolExecutor(max_workers=4, thread_name_prefix="mail")


def send_soon(message: EmailMessage) -> None:
    """Send a mail in the background; at once without `MAIL_IN_BACKGROUND` or room. Raises OSError in these cases."""
    if settings.MAIL_IN_BACKGROUND and _room.acquire(blocking=False):
        _senders.submit(_send, message).add_done_callback(lambda _: _room.release())
    else:
        message.send()


def _send(message: EmailMessage) -> None:
    for pause_s in (*PAUSES_S, None):
        try:
            message.send()
        except OSError as error:  # smtplib's errors are of this kind
            _tell(error, pause_s=pause_s)
            time.sleep(pause_s or 0)
        except Exception:
            logger.exception("a mail could not be sent")
            return
        else:
            return


def _tell(error: OSError, *, pause_s: float | None) -> None:
    if pause_s is None:
        logger.error("a mail could not be sent, and is given up", extra={"error": str(error)})
    else:
        logger.warning("a mail could not be sent", extra={"error": str(error), "next_try_in_s": pause_s})

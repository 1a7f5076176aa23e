"""A mail server that takes its time."""

import threading
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend


class SlowBackend(EmailBackend):
    """Takes a mail once the test's own thread has gone on."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        """Send, unless the request itself waits for it."""
        assert threading.current_thread() is not threading.main_thread()
        threading.Event().wait(0.3)
        return super().send_messages(messages)

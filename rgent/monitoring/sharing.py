"""Hands this process's figures on, once a second, for the process that Prometheus happens to ask."""

import asyncio
import logging

from django.conf import settings

from rgent.monitoring.shared_figures import forget_other_servers, write_own

logger = logging.getLogger(__name__)

EVERY_S = 1.0
_running: set["asyncio.Task[None]"] = set()


def start() -> None:
    """Begin; without METRICS_TOKEN nobody can ask, and nothing is written."""
    if settings.METRICS_TOKEN:
        forget_other_servers()
        _running.add(asyncio.get_running_loop().create_task(_share()))


async def _share() -> None:
    while True:
        try:
            write_own()
        except OSError as error:  # a full disk must not end it for good
            logger.warning("figures could not be shared", extra={"error": str(error)})
        await asyncio.sleep(EVERY_S)

"""The task that tells others that beat, workers and database do their work."""

import logging

import httpx2
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from rgent.monitoring import task_runs

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 10.0


@shared_task(time_limit=55)
def tell_watchdog() -> None:
    """Every minute: call HEARTBEAT_URL, unless an essential task is silent. Its service raises the alarm at silence."""
    if not settings.HEARTBEAT_URL:
        return
    if silent := task_runs.silent_tasks(now=timezone.now()):
        logger.error("tasks are silent, and the watchdog is not told that all is well", extra={"tasks": silent})
        return
    try:
        httpx2.get(settings.HEARTBEAT_URL, timeout=ANSWERS_WITHIN_S).raise_for_status()
    except httpx2.HTTPError as error:
        logger.warning("the watchdog could not be told", extra={"error": type(error).__name__})

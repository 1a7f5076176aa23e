"""Celery tasks of the chat: each is safe to run twice at once, or never."""

from celery import shared_task

from chat.conversations import history
from common import clock


@shared_task(acks_late=True, ignore_result=True, time_limit=600)
def forget_old_conversations() -> None:
    """Every hour: delete the conversations that are older than the operator keeps them."""
    history.forget_old_conversations(now=clock.now())

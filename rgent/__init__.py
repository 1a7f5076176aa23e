"""rgent: sell Claude by the token."""

from rgent.celery import app as celery_app

__all__ = ["celery_app"]

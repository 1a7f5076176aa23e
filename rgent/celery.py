"""The Celery application: `celery -A rgent`."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

from rgent import redis_broker
from rgent.laptop import file_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rgent.settings")

file_broker.register()
redis_broker.register()
app = Celery("rgent")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def make_broker_folders() -> None:
    """Make the folders of the filesystem broker, which Kombu expects to find."""
    options = app.conf.broker_transport_options
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


make_broker_folders()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_settings(**kwargs: Any) -> None:
    """End a worker or beat that was started with settings that production must not have.

    Without the database: a connection that is opened before the worker forks would be shared by its processes.
    """
    from rgent.starting import exit_where_unsafe

    exit_where_unsafe(database=False)

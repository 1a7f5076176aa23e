"""The Celery application: `celery -A rgent`."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_failure, task_prerun, task_success, worker_init

from common import log_fields
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


@task_prerun.connect
def begin_log_fields(task_id: str, task: Any, **kwargs: Any) -> None:
    """Have each line of a task name it."""
    log_fields.begin(task=task.name.rpartition(".")[2], task_id=task_id)


@task_success.connect
def note_success(sender: Any, **kwargs: Any) -> None:
    """Note when a task last succeeded."""
    from rgent.monitoring import task_runs

    task_runs.note_success(name=sender.name.rpartition(".")[2])


@task_failure.connect
def note_failure(sender: Any, exception: BaseException, **kwargs: Any) -> None:
    """Note that a task failed."""
    from rgent.monitoring import task_runs

    task_runs.note_failure(name=sender.name.rpartition(".")[2], error=exception)

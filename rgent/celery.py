"""The Celery application: `celery -A rgent`."""

import os
from pathlib import Path

from celery import Celery

from rgent.laptop import file_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rgent.settings")

file_broker.register()
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

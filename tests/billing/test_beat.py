"""Every task is on beat's schedule, and ends before its next run is dropped."""

import pytest
from django.conf import settings

from billing import tasks
from chat import tasks as chat_tasks
from rgent import tasks as own_tasks
from rgent.celery import app

PLACES = (f"{tasks.__name__}.", f"{chat_tasks.__name__}.", f"{own_tasks.__name__}.")
TASKS = {name: task for name, task in app.tasks.items() if name.startswith(PLACES)}
SCHEDULED = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_each_task_is_on_the_schedule_and_nothing_else_is():
    assert TASKS.keys() == SCHEDULED


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_has_a_limit_of_time(name):
    assert TASKS[name].time_limit

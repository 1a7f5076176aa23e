"""Every table has its migration: ours, and the one that we made for dj-stripe, which may have moved on."""

from importlib.metadata import version
from typing import Any

import pytest
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.test import override_settings

from rgent import settings as product_settings
from rgent.djstripe_schema import MADE_FOR


def missing_operations(app: str) -> list[Any]:
    """Return the operations that `makemigrations` of an app would write."""
    loader = MigrationLoader(connection=None)
    assert ("djstripe", "0001_initial") in loader.disk_migrations, "the migrations are not those of the product"
    autodetector = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        MigrationQuestioner(specified_apps={app}, dry_run=True),
    )
    changes = autodetector.changes(graph=loader.graph, trim_to_apps={app}, convert_apps={app})
    return [operation for migration in changes.get(app, []) for operation in migration.operations]


def test_it_was_made_for_the_version_that_is_installed() -> None:
    installed = version("dj-stripe")

    assert installed == MADE_FOR, "dj-stripe was upgraded: do what docs/decisions/0003 says"


@pytest.mark.parametrize("app", ["djstripe", "billing", "accounts"])
def test_every_table_and_column_has_its_migration(app: str) -> None:
    with override_settings(MIGRATION_MODULES=product_settings.MIGRATION_MODULES):  # the run itself has no migrations
        missing = missing_operations(app)

    assert [operation.describe() for operation in missing] == []

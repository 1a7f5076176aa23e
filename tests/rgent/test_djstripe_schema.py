"""dj-stripe's tables are made by a migration of our own; these tests notice when dj-stripe has moved on."""

from importlib.metadata import version
from typing import Any

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.test import override_settings

from rgent import settings as product_settings
from rgent.djstripe_schema import MADE_FOR


def missing_operations() -> list[Any]:
    """Return what `makemigrations djstripe` would have to write down."""
    loader = MigrationLoader(connection=None)
    assert ("djstripe", "0001_initial") in loader.disk_migrations, "the migrations are not those of the product"
    autodetector = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        MigrationQuestioner(specified_apps={"djstripe"}, dry_run=True),
    )
    changes = autodetector.changes(graph=loader.graph, trim_to_apps={"djstripe"}, convert_apps={"djstripe"})
    return [operation for migration in changes.get("djstripe", []) for operation in migration.operations]


def test_it_was_made_for_the_version_that_is_installed() -> None:
    installed = version("dj-stripe")

    assert installed == MADE_FOR, "dj-stripe was upgraded: do what docs/decisions/0003 says"


def test_it_makes_every_table_and_column_of_dj_stripe() -> None:
    with override_settings(MIGRATION_MODULES=product_settings.MIGRATION_MODULES):  # the run itself has no migrations
        missing = missing_operations()

    assert [operation.describe() for operation in missing] == []

"""A deploy: processes of the release before still write to the database that this release's migrations changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import StateApps
from django.test import override_settings
from django.utils import timezone

from rgent import settings as product_settings

BEFORE, NOTICES = ("billing", "0025_meter_errors"), ("billing", "0026_notices")
SQLITE = "django.db.backends.sqlite3"
NOON = datetime.fromisoformat("2026-11-01T12:00:00+00:00")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("accounts_user", ["time_zone", "terms_version"]),
        ("accounts_organization", ["second_factor_required"]),
        ("accounts_historicalorganization", ["second_factor_required"]),
    ],
)
def test_it_fills_in_the_columns_that_old_processes_do_not_know(db, table, columns):
    with connection.cursor() as cursor:
        described = {row.name: row.default for row in connection.introspection.get_table_description(cursor, table)}

    assert [name for name in columns if described[name] is None] == []


@pytest.fixture
def migrated(django_db_blocker: Any) -> Iterator[tuple[StateApps, StateApps, Any]]:
    """Migrate waiting, mailed and old alerts to notices. Returns models of both releases, and the alerts' alias."""
    own = {"ENGINE": SQLITE, "NAME": ":memory:", "OPTIONS": {}}
    connections.settings["deploy"] = connections.settings["default"] | own
    with django_db_blocker.unblock(), override_settings(MIGRATION_MODULES=product_settings.MIGRATION_MODULES):
        loader, database = MigrationLoader(connection=None), connections["deploy"]
        state = loader.project_state(BEFORE)
        old = state.apps
        with database.schema_editor() as editor:
            for name in ("User", "Organization", "ApiKey"):
                editor.create_model(old.get_model("accounts", name))
            editor.create_model(old.get_model("billing", "SpendingAlert"))
        organization = old.get_model("accounts", "Organization").objects.using("deploy").create(name="Acme")
        for percent, age_h, mailed_at in ((50, 1, None), (80, 1, NOON), (100, 30, None)):
            make_alert(old, organization, percent=percent, age_h=age_h, mailed_at=mailed_at)
        with database.schema_editor() as editor:
            new = loader.get_migration(*NOTICES).apply(state.clone(), editor).apps
        yield old, new, organization
        database.connection.close()
    del connections["deploy"], connections.settings["deploy"]


def make_alert(apps: StateApps, organization: Any, *, percent: int, **values: Any) -> Any:
    """Raise an alert as a release does whose models these are."""
    age = timedelta(hours=values.pop("age_h", 0))
    return (
        apps.get_model("billing", "SpendingAlert")
        .objects.using("deploy")
        .create(
            organization_id=organization.pk,
            percent=percent,
            cap_minor=1000,
            spent_minor=500,
            spending_starts_at=NOON,
            raised_at=NOON,
            created_at=timezone.now() - age,
            **values,
        )
    )


def test_alerts_that_wait_for_their_mail_become_notices(migrated):
    old, new, _ = migrated

    notice = new.get_model("billing", "Notice").objects.using("deploy").get()

    assert notice.occasion == "organization:2026-11-01T12:00:00+00:00:1000:50"
    assert (notice.facts["percent"], notice.facts["spent"], notice.facts["cap"]) == (50, "$5.00", "$10.00")
    assert not old.get_model("billing", "SpendingAlert").objects.using("deploy").filter(mailed_at=None).exists()


def test_both_releases_raise_alerts_and_only_the_old_one_mails_its_own(migrated):
    old, new, organization = migrated
    make_alert(new, organization, percent=90)
    mine = make_alert(old, organization, percent=95)

    waiting = old.get_model("billing", "SpendingAlert").objects.using("deploy").filter(mailed_at=None)

    assert [alert.pk for alert in waiting] == [mine.pk]

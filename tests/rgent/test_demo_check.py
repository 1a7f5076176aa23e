"""Production refuses a database that has the demo's key or password."""

from typing import Any

import pytest
from django.core.checks import Tags, run_checks

from accounts.api_keys import create_api_key
from rgent.laptop.demo import DEMO_EMAIL, DEMO_KEY, DEMO_PASSWORD
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings: Any) -> None:
    settings.PRODUCTION = True


def found() -> list[str]:
    return [error.id for error in run_checks(tags=[Tags.database], databases=["default"]) if error.id]


def test_a_database_without_the_demo_passes(production: None) -> None:
    create_api_key(organization=make_organization(), name="Server")

    assert found() == []


def test_the_demos_key_is_refused(production: None) -> None:
    create_api_key(organization=make_organization(), name="Demo", key=DEMO_KEY)

    assert found() == ["rgent.E020"]


def test_the_demos_password_is_refused(production: None) -> None:
    make_user(email=DEMO_EMAIL, password=DEMO_PASSWORD, is_superuser=True)

    assert found() == ["rgent.E021"]


def test_a_laptop_may_have_both() -> None:
    make_user(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    create_api_key(organization=make_organization(), name="Demo", key=DEMO_KEY)

    assert found() == []

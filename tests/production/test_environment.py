"""Every variable is read, explained and passed on, and no other."""

import pytest

from tests.production.files import (
    ROOT,
    product_services,
    variables_explained,
    variables_of_compose,
    variables_read,
)

# Of no use in a container, where compose decides: the port is mapped, state is a volume, and the image has no .env.
LAPTOP_ONLY = {"ENV_FILE", "SANDBOX_PORT"}
SET_BY_IMAGE_OR_COMPOSE = {"PORT", "VAR_DIR"}


def test_what_the_product_reads_is_explained() -> None:
    assert variables_read() - variables_explained() == set()


def test_what_compose_takes_is_explained() -> None:
    assert set(variables_of_compose()) - variables_explained() == set()


def test_what_is_explained_is_read_by_someone() -> None:
    assert variables_explained() - variables_read() - set(variables_of_compose()) == set()


def test_compose_hands_every_setting_to_every_process() -> None:
    needed = variables_read() - LAPTOP_ONLY - SET_BY_IMAGE_OR_COMPOSE

    lacking = {name: needed - set(service["environment"]) for name, service in product_services().items()}

    assert not any(lacking.values()), lacking


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_API_KEY",
        "DEFAULT_FROM_EMAIL",
        "EMAIL_URL",
        "POSTGRES_PASSWORD",
        "PUBLIC_URL",
        "SECRET_KEY",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
    ],
)
def test_compose_refuses_to_start_without(name: str) -> None:
    assert variables_of_compose()[name].startswith(":?")


def test_the_example_sets_nothing_as_it_stands() -> None:
    """`cp .env.example .env` must not break a laptop's first run."""
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []

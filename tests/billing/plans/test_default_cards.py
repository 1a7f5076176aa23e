"""The catalogue of models that a new database begins with."""

import pytest
from django.db.migrations.state import ProjectState

from billing.models import ModelCard
from billing.plans.default_cards import CARDS, create_default_cards

pytestmark = pytest.mark.django_db


def test_an_empty_catalogue_is_filled_once():
    ModelCard.objects.all().delete()

    create_default_cards()
    create_default_cards()

    assert list(ModelCard.objects.order_by("id").values_list("model", flat=True)) == [card["model"] for card in CARDS]


def test_nothing_is_done_at_a_time_before_the_catalogue():
    ModelCard.objects.all().delete()

    create_default_cards(apps=ProjectState().apps)

    assert not ModelCard.objects.exists()

"""The plans of a new installation."""

from billing.plans.price_lists import models_sold
from sandbox.claude_api.models import BUILT_IN


def test_the_sandboxs_claude_has_every_model_that_they_sell(db):
    known = {name for model in BUILT_IN for name in (model.id, model.alias)}

    assert models_sold()
    assert set(models_sold()) - known == set()

"""Every token class is counted, read from Claude, priced and shown."""

import pytest

from billing.models import DailyUsage, HourlyUsage, Plan, UsageRecord
from billing.plans.completeness import why_not_sellable
from billing.tokens import TOKEN_COLUMNS, TokenClass, column_of
from tests.chat.test_usage import PAYLOADS

each_class = pytest.mark.parametrize("token_class", TokenClass)


@each_class
@pytest.mark.parametrize("table", [UsageRecord, DailyUsage, HourlyUsage])
def test_it_has_a_column_wherever_tokens_are_counted(table, token_class):
    assert column_of(token_class) in TOKEN_COLUMNS
    assert column_of(token_class) in {field.name for field in table._meta.fields}


@each_class
def test_it_has_a_name_for_pages(token_class):
    assert token_class.label


@each_class
def test_it_is_read_from_a_payload_of_claudes(token_class):
    assert any(payload["tokens"].get(token_class) for payload in PAYLOADS)


def test_it_has_a_price_on_every_plan_of_a_new_installation(db):
    assert [why_not_sellable(plan=plan) for plan in Plan.objects.all()] == [""] * Plan.objects.count()

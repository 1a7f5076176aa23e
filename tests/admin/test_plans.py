"""Plans and prices edited in the admin: published ones stay, and Stripe gets the new ones."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.models import Plan, PlanPrice
from billing.plans.price_lists import current_prices
from billing.tokens import TokenClass
from tests.admin.cast import HAIKU, haiku, mark_as_published, price

pytestmark = pytest.mark.django_db


def page_of(plan: Plan) -> str:
    return reverse("admin:billing_plan_change", args=[plan.pk])


def filled_form(admin: Client, plan: Plan) -> dict[str, Any]:
    """Return the form that a browser would post if nothing was changed."""
    context = admin.get(page_of(plan)).context
    formset = context["inline_admin_formsets"][0].formset
    forms = [context["adminform"].form, formset.management_form, *formset.forms]
    data = {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}
    return {name: value for name, value in data.items() if value is not None and value is not False}


def field_of(form: dict[str, Any], row: PlanPrice, name: str = "price_per_1k") -> str:
    """Name the form field of a price."""
    prefix = next(key for key, value in form.items() if key.endswith("-id") and value == row.pk).removesuffix("-id")
    return f"{prefix}-{name}"


def add_prices(form: dict[str, Any], model: str, classes: list[TokenClass]) -> dict[str, Any]:
    """Fill in new rows of the price table."""
    count = int(form["prices-TOTAL_FORMS"])
    rows = {"prices-TOTAL_FORMS": count + len(classes)}
    for number, token_class in enumerate(classes, start=count):
        rows |= {
            f"prices-{number}-model": model,
            f"prices-{number}-token_class": token_class.value,
            f"prices-{number}-price_per_1k": "0.02",
            f"prices-{number}-plan": form["prices-0-plan"],
        }
    return {**form, **rows}


def errors_in(answer: Any) -> str:
    """Return the sentences beside a form that was refused."""
    assert answer.status_code == 200, "the form was taken"
    formset = answer.context["inline_admin_formsets"][0].formset
    return f"{answer.context['adminform'].form.errors} {formset.errors} {formset.non_form_errors()}"


def test_a_changed_price_of_a_published_plan_is_a_new_row(admin: Client) -> None:
    plan = haiku()
    mark_as_published(plan)
    published = price("output")
    form = filled_form(admin, plan)

    admin.post(page_of(plan), {**form, field_of(form, published): "0.007"})

    published.refresh_from_db()
    revised = price("output")
    assert (published.price_per_1k, published.stripe_price_id) == (Decimal("0.0065"), f"price_{published.pk}")
    assert (revised.price_per_1k, revised.stripe_price_id) == (Decimal("0.007"), "")
    assert revised.valid_from > published.valid_from


def test_a_price_not_yet_published_is_corrected_in_place(admin: Client) -> None:
    plan, unpublished = haiku(), price("output")
    form = filled_form(admin, plan)

    admin.post(page_of(plan), {**form, field_of(form, unpublished): "0.007"})

    unpublished.refresh_from_db()
    assert unpublished.price_per_1k == Decimal("0.007")
    assert PlanPrice.objects.filter(plan=plan).count() == len(TokenClass)


def test_saving_without_a_change_adds_no_price(admin: Client) -> None:
    plan = haiku()
    mark_as_published(plan)

    answer = admin.post(page_of(plan), filled_form(admin, plan))

    assert answer.status_code == 302
    assert PlanPrice.objects.filter(plan=plan).count() == len(TokenClass)


def test_the_form_shows_a_price_as_a_person_writes_it(admin: Client) -> None:
    page = admin.get(page_of(haiku())).content.decode()

    assert 'value="0.0013"' in page
    assert "never rewritten" in page


def test_saving_a_plan_cannot_undo_a_publishing_meanwhile(admin: Client) -> None:
    plan = haiku()
    form = filled_form(admin, plan)

    with CaptureQueriesContext(connection) as queries:
        admin.post(page_of(plan), {**form, "name": "Pro Haiku 2"})

    written = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "billing_plan"')]
    assert haiku().name == "Pro Haiku 2"
    assert not [sql for sql in written if "published_at" in sql]


def test_the_prices_of_a_model_stay_in_order(admin: Client) -> None:
    plan = haiku()
    mark_as_published(plan)
    form = filled_form(admin, plan)

    admin.post(page_of(plan), {**form, field_of(form, price("input")): "0.002"})

    formset = admin.get(page_of(plan)).context["inline_admin_formsets"][0].formset
    assert [row.instance.token_class for row in formset.initial_forms] == list(TokenClass)


def test_a_model_cannot_be_renamed_through_its_price(admin: Client) -> None:
    plan, row = haiku(), price("output")
    form = filled_form(admin, plan)

    admin.post(page_of(plan), {**form, field_of(form, row, "model"): "claude-other", field_of(form, row): "0.007"})

    assert not PlanPrice.objects.filter(model="claude-other").exists()


def test_a_model_is_added_by_its_five_prices(admin: Client) -> None:
    plan = haiku()

    answer = admin.post(page_of(plan), add_prices(filled_form(admin, plan), "claude-new-6", list(TokenClass)))

    assert answer.status_code == 302
    added = [row.token_class for row in current_prices(plan=plan) if row.model == "claude-new-6"]
    assert added == list(TokenClass)


def test_a_model_with_a_price_missing_is_refused_by_name(admin: Client) -> None:
    plan = haiku()
    form = add_prices(filled_form(admin, plan), "claude-new-6", [TokenClass.INPUT, TokenClass.OUTPUT])

    answer = admin.post(page_of(plan), form)

    assert "claude-new-6 needs a price for every class of token" in errors_in(answer)
    assert not PlanPrice.objects.filter(model="claude-new-6").exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prices-0-price_per_1k": "-0.01"}, "greater than or equal to 0"),
        ({"prices-0-price_per_1k": "cheap"}, "Enter a number"),
        ({"prices-0-price_per_1k": "NaN"}, "Enter a number"),
        ({"prices-0-price_per_1k": "0.0000000000001"}, "decimal places"),
        ({"base_price": "9.999"}, "decimal places"),
        ({"base_price": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_wrong_amount_is_refused_in_a_sentence(admin: Client, fields: dict[str, str], sentence: str) -> None:
    plan = haiku()

    answer = admin.post(page_of(plan), {**filled_form(admin, plan), **fields})

    assert sentence in errors_in(answer)


def test_a_second_price_for_the_same_tokens_is_refused(admin: Client) -> None:
    plan = haiku()

    answer = admin.post(page_of(plan), add_prices(filled_form(admin, plan), HAIKU, [TokenClass.INPUT]))

    assert f"There are two prices for {HAIKU}, Input" in errors_in(answer)


@pytest.mark.parametrize("model", ["Claude Haiku", "claude_haiku", "claude-" + "x" * 80])
def test_a_model_that_can_name_no_meter_is_refused(admin: Client, model: str) -> None:
    plan = haiku()

    answer = admin.post(page_of(plan), add_prices(filled_form(admin, plan), model, list(TokenClass)))

    assert "model" in errors_in(answer)
    assert not PlanPrice.objects.filter(model=model).exists()


def test_an_old_version_is_never_restored(admin: Client) -> None:
    row = price("output")
    PlanPrice.objects.filter(pk=row.pk).update(stripe_price_id="price_1")
    version = row.history.first()
    url = reverse("admin:billing_planprice_simple_history", args=[row.pk, version.history_id])

    answer = admin.post(url, {"price_per_1k": "0"})

    row.refresh_from_db()
    assert answer.status_code == 403
    assert row.stripe_price_id == "price_1"


def test_the_price_history_tells_what_is_sold_now(admin: Client) -> None:
    mark_as_published(haiku())
    old = price("output")
    new = PlanPrice.objects.create(plan=old.plan, model=HAIKU, token_class="output", price_per_1k=Decimal("0.007"))

    def listed(sale_state: str) -> set[int]:
        answer = admin.get(
            reverse("admin:billing_planprice_changelist"), {"sale_state": sale_state, "plan": old.plan_id}
        )
        return {
            row.pk for row in answer.context["cl"].result_list if row.token_class == "output" and row.model == HAIKU
        }

    assert new.pk in listed("unpublished")
    assert old.pk in listed("current")
    PlanPrice.objects.filter(pk=new.pk).update(stripe_price_id="price_new")
    assert (new.pk in listed("current"), old.pk in listed("superseded")) == (True, True)


def test_only_a_price_that_was_never_published_can_be_taken_back(admin: Client) -> None:
    published, typo = price("output"), price("input")
    PlanPrice.objects.filter(pk=published.pk).update(stripe_price_id="price_1")

    answers = [
        admin.post(reverse("admin:billing_planprice_delete", args=[row.pk]), {"post": "yes"})
        for row in (published, typo)
    ]

    assert [answer.status_code for answer in answers] == [403, 302]
    assert PlanPrice.objects.filter(pk=published.pk).exists()
    assert not PlanPrice.objects.filter(pk=typo.pk).exists()


def test_a_model_is_taken_off_its_plan_and_put_back(admin: Client) -> None:
    mark_as_published(haiku())
    changelist = reverse("admin:billing_planprice_changelist")

    def offered_after(action: str) -> set[str]:
        admin.post(changelist, {"action": action, "_selected_action": [price("output").pk]})
        return {row.model for row in current_prices(plan=haiku())}

    assert (offered_after("withdraw"), offered_after("restore")) == (set(), {HAIKU})


def test_the_metering_of_a_plan_is_chosen_until_it_is_published(admin: Client) -> None:
    plan = haiku()
    admin.post(page_of(plan), {**filled_form(admin, plan), "metering": "spend"})
    chosen = haiku().metering
    Plan.objects.update(published_at=timezone.now())

    admin.post(page_of(plan), {**filled_form(admin, plan), "metering": "tokens"})

    assert (chosen, haiku().metering) == ("spend", "spend")
    assert "By spend" in admin.get(page_of(plan)).content.decode()


def test_a_price_too_fine_for_a_plan_by_spend_is_refused(admin: Client) -> None:
    plan = haiku()
    form = {**filled_form(admin, plan), "metering": "spend"}

    answer = admin.post(page_of(plan), {**form, field_of(form, price("output")): "0.0065001"})

    assert "a plan by spend takes 7 decimals" in errors_in(answer)

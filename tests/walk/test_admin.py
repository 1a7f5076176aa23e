"""Every page, form and action of Django admin, opened and posted to by staff of every degree."""

from urllib.parse import urlencode

import pytest

from tests.walk.addresses import admin_calls
from tests.walk.admin import ADMIN
from tests.walk.calls import FORM, visit
from tests.walk.staff import Staff, filled_call, form_of, make_staff, table_of
from tests.walk.table import differences, unmatched


@pytest.fixture
def staff(db: None) -> Staff:
    """The people who walk."""
    return make_staff()


def answers_to(call: str, *, staff: Staff) -> dict[str, str]:
    """Make a call in every role; return the answers as the table writes them."""
    form = urlencode(form_of(call)).encode() if call.startswith("POST") else b""
    filled = filled_call(call)
    return {
        role: str(visit(browser, filled, known=role != "nobody", data=form, content_type=FORM)[0])
        for role, browser in staff.browsers.items()
    }


def test_each_call_has_an_expectation_and_each_expectation_a_call():
    assert unmatched(ADMIN, admin_calls()) == []


def test_everybody_gets_the_expected_answer_to_every_call(staff: Staff):
    seen: dict[str, dict[str, str]] = {}
    for table in sorted({table_of(call) for call in ADMIN}):
        staff.give_rights_around(table)
        seen |= {call: answers_to(call, staff=staff) for call in ADMIN if table_of(call) == table}

    assert differences(seen, ADMIN) == []


def test_names_are_completed_for_who_may_view_them(staff: Staff):
    staff.give_rights_around("accounts/user")
    call = "GET /admin/autocomplete/?app_label=accounts&model_name=membership&field_name=user&term=acme"

    seen = {role: visit(browser, call, known=True)[0].status for role, browser in staff.browsers.items()}

    assert {role for role, status in seen.items() if status == 200} == {"viewer", "full", "superuser"}
    assert {seen["staff"], seen["elsewhere"]} == {403}

"""The reference of variables is what the settings read, and explains each."""

from rgent.configuration import DOCUMENT, reference, variables_read
from tests.production.files import variables_explained
from tests.production.files import variables_read as read_by_settings


def test_it_is_as_the_settings_are() -> None:
    assert DOCUMENT.read_text() == reference(), "run `./run manage configuration`"


def test_it_finds_every_variable_that_is_read() -> None:
    assert variables_read().keys() == read_by_settings()


def test_it_has_every_variable_that_is_explained() -> None:
    assert [name for name in variables_explained() if f"| `{name}` |" not in reference()] == []


def test_a_default_that_the_mode_decides_is_told_for_both() -> None:
    assert variables_read()["SIGN_UPS_A_DAY"].default == "`500`; `0` in the sandbox"

"""`./run test` runs every test: none falls between its suites."""

import re

from tests.__main__ import BROWSER, ROOT

MARK = re.compile(r"^(?:pytestmark = |@)pytest\.mark\.browser", re.MULTILINE)


def test_every_test_in_a_browser_is_where_the_suite_looks_for_it() -> None:
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if MARK.search(path.read_text())]

    assert len(marked) > 3
    assert [path for path in marked if not any(path.is_relative_to(ROOT / folder) for folder in BROWSER)] == []

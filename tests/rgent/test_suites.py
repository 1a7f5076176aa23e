"""`./run test` runs every test, and leaves nothing behind when it is killed."""

import re

from tests.__main__ import BROWSER, ROOT

MARK = re.compile(r"^(?:pytestmark = |@)pytest\.mark\.browser", re.MULTILINE)


def test_every_test_in_a_browser_is_where_the_suite_looks_for_it() -> None:
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if MARK.search(path.read_text())]

    assert len(marked) > 3
    assert [path for path in marked if not any(path.is_relative_to(ROOT / folder) for folder in BROWSER)] == []


def test_every_process_that_outlives_a_call_ends_with_the_run() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if re.search(r"= subprocess\.Popen\(", path.read_text())]
    started_alone = {str(path.relative_to(ROOT)) for path in files}

    # The run that is killed; and a Redis of its own, which signals must reach themselves.
    assert started_alone == {"tests/flows/test_killed_run.py", "tests/conservation/engines.py"}

"""`./run test [ARG..]`: all tests that this machine can run. Tests that need more are skipped by name.

Two processes run each suite. Each journey starts the products it needs, on ports and state of its own; journeys wait
more than they work, so they are a suite beside no test that keeps a core busy. Tests in a browser keep an event loop
running, in which tests with a loop of their own fail. Arguments go to pytest, once.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BROWSER = ["tests/e2e", "tests/sandbox/pages/e2e"]
IN_TWO_PROCESSES = ["-n", "2", "--dist", "loadfile"]
SUITES = [
    [*IN_TWO_PROCESSES, "-m", "not browser", "--ignore", "tests/flows"],
    [*IN_TWO_PROCESSES, "-m", "not browser", "tests/flows"],
    [*IN_TWO_PROCESSES, "-m", "browser", *BROWSER],
]


def pytest(*arguments: str) -> int:
    """Run pytest in a process of its own and return its exit status."""
    return subprocess.call([sys.executable, "-m", "pytest", *arguments])


def main(arguments: list[str]) -> int:
    """Run the tests that were asked for, or every suite to its end. Returns 0 where all passed."""
    if arguments:
        return pytest(*arguments)
    return max([pytest(*suite) for suite in SUITES])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

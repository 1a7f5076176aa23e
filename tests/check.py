"""`./run check [--quick]`: lint, formatting, types, import contracts, templates, migrations. The same in CI.

Two checks run at once, the slowest (mypy) beside all others. `--quick`, for a commit hook, leaves mypy out.
"""

import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(sysconfig.get_path("scripts"))
SLOW = [["mypy"]]
QUICK = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["lint-imports"],
    ["djade", "--check", *map(str, Path("templates").rglob("*.html"))],
    ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    ["python", "manage.py", "check"],
]


class Outcome(NamedTuple):
    """The outcome of a check."""

    name: str
    passed: bool
    took_s: float
    output: str


def run(command: list[str]) -> Outcome:
    """Run one check and keep what it prints."""
    began = time.monotonic()
    done = subprocess.run([str(SCRIPTS / command[0]), *command[1:]], capture_output=True, text=True, check=False)
    took_s = time.monotonic() - began
    return Outcome(" ".join(command[:3]), done.returncode == 0, took_s, done.stdout + done.stderr)


def main(arguments: list[str]) -> int:
    """Run the checks, tell each one's outcome, and return 1 where one failed."""
    if arguments not in ([], ["--quick"]):
        print("usage: ./run check [--quick]")
        return 2
    checks = QUICK if arguments else [*SLOW, *QUICK]
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(run, checks):
            print(f"--- {outcome.name} ({outcome.took_s:.1f} s)\n{outcome.output}", end="", flush=True)
            if not outcome.passed:
                failed.append(outcome.name)
    print("checks failed: " + ", ".join(failed) if failed else "all checks passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

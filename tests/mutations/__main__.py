"""`python -m tests.mutations [NAME..] [--sample N]`: put each deliberate bug into a copy, and see its test fail.

Exits with 1 where a bug goes unnoticed, or no longer fits the code. Bugs whose tests need PostgreSQL or Redis are
tried where DATABASE_URL and REDIS_URL are set, and named as left out elsewhere. A sample is drawn by the commit: one
commit tries the same bugs each time, many commits try all of them; `--seed` draws that of another.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations.catalogue import ROOT, Mutation, all_mutations

VARIABLE_OF = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
# Pytest's own: tests ran, and some of them failed.
TESTS_FAILED = 1


def chosen(names: list[str], *, sample: int | None = None, seed: str = "") -> list[Mutation]:
    """Return the bugs whose name holds one of `names` (all without names), or a `sample` that `seed` draws."""
    found = [each for each in all_mutations() if not names or any(name in each.name for name in names)]
    if not sample or sample >= len(found):
        return found
    return random.Random(seed).sample(found, sample)


def commit() -> str:
    """Return the hash of the commit that is checked out."""
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()


def copy_checkout(target: Path) -> None:
    """Copy what git knows, and what is new and not ignored, as it is in the working tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in filter(None, subprocess.check_output(command, cwd=ROOT, text=True).split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def try_out(mutation: Mutation) -> str:
    """Return what became of a bug: `caught`, or why not."""
    lacking = [VARIABLE_OF[need] for need in mutation.needs if VARIABLE_OF[need] not in os.environ]
    if lacking:
        return f"left out: needs {' and '.join(lacking)}"
    with tempfile.TemporaryDirectory(prefix="rgent-mutation-") as folder:
        copy = Path(folder)
        copy_checkout(copy)
        try:
            mutation.put_into(copy)
        except ValueError as error:
            return str(error)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutation.tests]
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if run.returncode == TESTS_FAILED:
        return "caught"
    lines = run.stdout.strip().splitlines() or run.stderr.strip().splitlines() or ["nothing was printed"]
    return f"NOT CAUGHT (pytest's status {run.returncode}): {lines[-1]}"


def main() -> int:
    """Try the chosen bugs one after another, tell each one's outcome, and return 1 where one went unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", help="try only bugs whose name holds one of these")
    parser.add_argument("--sample", type=int, metavar="N", help="try this many of them, drawn by the seed")
    parser.add_argument("--seed", help="draws the sample (default: the commit's hash)")
    asked = parser.parse_args()
    seed = asked.seed or commit()
    if asked.sample:
        print(f"drawn by --seed {seed}", flush=True)
    outcomes = []
    for mutation in chosen(asked.names, sample=asked.sample, seed=seed):
        outcomes.append(try_out(mutation))
        print(f"{mutation.name}: {outcomes[-1]}", flush=True)
    caught, left_out = outcomes.count("caught"), sum(outcome.startswith("left out") for outcome in outcomes)
    missed = len(outcomes) - caught - left_out
    print(f"{caught} caught, {missed} not caught, {left_out} left out")
    return 1 if missed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

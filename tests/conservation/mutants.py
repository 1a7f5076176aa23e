"""`python -m tests.conservation.mutants [NAME..]`: put each bug of mutants.toml into a copy, and see its verdict break.

Each takes about three minutes.
"""

import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.__main__ import copy_checkout
from tests.mutations.catalogue import Mutation

TOLD = Path(__file__).with_name("mutants.toml")
SIZE = ("--minutes", "1", "--customers", "2", "--seed", "mutants")


@dataclass(frozen=True)
class Mutant:
    """A bug, the faults to run it under, and the verdict that it must break."""

    bug: Mutation
    verdict: str
    faults: str

    def try_out(self) -> str:
        """Return `caught`, or why not."""
        with tempfile.TemporaryDirectory(prefix="rgent-mutant-") as folder:
            copy_checkout(Path(folder))
            self.bug.put_into(Path(folder))
            command = [sys.executable, "-m", "tests.conservation", *SIZE, "--faults", self.faults]
            said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
        if f"BROKEN  {self.verdict}:" in said:
            return "caught"
        return f"NOT CAUGHT by {self.verdict}:\n{said[-2000:]}"


def all_mutants() -> list[Mutant]:
    """Return all, in the order of the file."""
    return [
        Mutant(
            Mutation(
                name=name,
                rule=told["rule"],
                file=told["file"],
                find=told["find"],
                replace=told["replace"],
                tests=(),
            ),
            verdict=told["verdict"],
            faults=told["faults"],
        )
        for name, told in tomllib.loads(TOLD.read_text()).items()
    ]


def main() -> int:
    """Try the named ones, or all; return 1 where one was not caught."""
    outcomes = []
    for mutant in all_mutants():
        if len(sys.argv) == 1 or any(name in mutant.bug.name for name in sys.argv[1:]):
            outcomes.append(mutant.try_out())
            print(f"{mutant.bug.name}: {outcomes[-1]}", flush=True)
    return int(any(outcome != "caught" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())

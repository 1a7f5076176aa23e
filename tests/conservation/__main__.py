"""`python -m tests.conservation --seed S --minutes M [--faults NAME,...]`: a run; fails where a promise is broken.

Faults are chosen by parts of their names: `--faults kill,postgres`. `--quiet` runs the load without any: the control.
"""

import argparse
import secrets
import sys
from pathlib import Path

from tests.conservation.report import summary
from tests.conservation.running import Run


def main() -> int:
    """Run, and tell. Returns 1 where a verdict does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.conservation", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="one that a failure told (default: a new one)")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--faults", default="", help="parts of names, with commas (default: all)")
    parser.add_argument("--quiet", action="store_true", help="no faults, and no changes of business")
    parser.add_argument("--steady", action="store_true", help="no changes of business")
    parser.add_argument("--customers", type=int, default=4, help="of each kind")
    parser.add_argument("--clients", type=int, default=24, help="requests at once")
    parser.add_argument("--history", type=Path, help="a file for every request and fault, a line of JSON each")
    parser.add_argument("--logs", type=Path, help="a directory for the logs of the processes")
    asked = parser.parse_args()
    run = Run(
        seed=asked.seed,
        minutes=asked.minutes,
        faults=tuple(filter(None, asked.faults.split(","))),
        quiet=asked.quiet,
        steady=asked.steady,
        customers=asked.customers,
        clients=asked.clients,
        logs=asked.logs,
    )
    print(f"seed {run.seed}", flush=True)
    try:
        run.go()
    finally:
        if asked.history:
            run.history.save(asked.history)
    print(summary(run))
    return int(any(verdict.broken for verdict in run.verdicts))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.random_customers [--customers 300] [--seed SEED]`: many random customers, fifteen to a world.

Without a seed the commit draws one. A failure tells the command that repeats it, and the shortest story of one customer
in which it is wrong. With DATABASE_URL it runs on PostgreSQL.
"""

import argparse
import os
import subprocess
import sys

from tests.mutations.__main__ import commit

NIGHTLY = 300
MONTHS = 3


def main() -> int:
    """Run the test with the size and seed that were asked for; return pytest's status."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_customers", description=__doc__)
    parser.add_argument("--customers", type=int, default=NIGHTLY)
    parser.add_argument("--seed", help="one that a failure told (default: drawn by the commit)")
    parser.add_argument("--months", type=int, default=MONTHS, help="how long they live")
    parser.add_argument("--only", default="", metavar="N", help="one customer of the world alone")
    parser.add_argument("--as-it-is", action="store_true", help="look for no shorter story")
    parser.add_argument("-n", "--processes", default="0", help="worlds at a time")
    asked = parser.parse_args()
    os.environ |= {
        "RANDOM_CUSTOMERS": str(asked.customers),
        "RANDOM_SEED": asked.seed or commit()[:12],
        "RANDOM_MONTHS": str(asked.months),
        "RANDOM_ONLY": asked.only,
        "RANDOM_AS_IT_IS": "yes" if asked.as_it_is else "",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-n", asked.processes, "tests/random_customers"]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())

"""`./run check`: lint, formatting, types, import contracts, templates, migrations. One command, the same in CI."""

import subprocess
import sys
import sysconfig
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["lint-imports"],
    ["djade", "--check", *map(str, Path("templates").rglob("*.html"))],
    ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    ["python", "manage.py", "check"],
]


def main() -> int:
    """Run every check, tell each one's outcome, and return 1 where one failed."""
    failed = []
    for command in CHECKS:
        name = " ".join(command[:3])
        print(f"--- {name}", flush=True)
        if subprocess.call([str(SCRIPTS / command[0]), *command[1:]]):
            failed.append(name)
    print("checks failed: " + ", ".join(failed) if failed else "all checks passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

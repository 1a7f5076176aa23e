"""The machine of a run."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.processes import ROOT


def cpu_model() -> str:
    """Return the name of the processor."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def slug() -> str:
    """Return the machine's name for a file: `2x-amd-epyc`."""
    return f"{os.cpu_count()}x-" + re.sub(r"[^a-z0-9]+", "-", cpu_model().lower()).strip("-")


def about() -> dict[str, str]:
    """Return the machine, the time and the commit, which a reader of the result needs."""
    busy = os.getloadavg()[0]
    return {
        "title": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} x {cpu_model()}",
        "code": _revision(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load average before": f"{busy:.2f}" + (" - the machine was busy: trust ratios alone" if busy > 0.3 else ""),
    }


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "unknown"

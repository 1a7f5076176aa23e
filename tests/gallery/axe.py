"""axe-core (github.com/dequelabs/axe-core), which finds what keeps people out: installed by npm, never committed."""

import shutil
import subprocess
from functools import cache

from playwright.sync_api import Page

from tests.clients.environments import INSTALL_TIMEOUT_S, INSTALLED

VERSION = "4.14.1"
HOME = INSTALLED / f"axe-core-{VERSION}"
GRAVE = ("serious", "critical")
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map(each => [each.impact, `${each.id}: ${each.nodes.slice(0, 3).map(n => n.target.join(" ")).join(", ")}`])"""


@cache
def _source() -> str:
    script = HOME / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--fetch-retries=1"]
        command = ["npm", "install", "--prefix", str(HOME), *options, f"axe-core@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
    return script.read_text()


def grave_findings(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the open page."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_source())
    found: list[tuple[str, str]] = page.evaluate(RUN)
    return [f"axe, {told}" for impact, told in found if impact in GRAVE]

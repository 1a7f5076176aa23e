"""The health of a container: `python docker/healthcheck.py web` or `beat`. Says what is wrong, and exits with 1.

Stands alone and imports nothing of the product, so that a check every few seconds costs next to nothing.
"""

import http.client
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

PORT = 8000
TIMEOUT_S = 4.0
# Beat writes down every three minutes what it has sent. Twice that without a word, and it hangs.
BEAT_SILENCE_S = 360.0


def web() -> str:
    """Ask the web server, under the host it serves, whether it reaches its database. Empty means healthy."""
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health", headers={"Host": host})
        status = connection.getresponse().status
    except OSError as error:
        return f"the web server does not answer: {error}"
    return "" if status == http.HTTPStatus.OK else f"/health answers {status}"


def beat() -> str:
    """Look how long ago beat last saved its schedule. Empty means healthy."""
    files = list(Path(os.environ["VAR_DIR"]).glob("celerybeat-schedule*"))
    if not files:
        return "beat has saved no schedule"
    silence_s = time.time() - max(file.stat().st_mtime for file in files)
    return "" if silence_s < BEAT_SILENCE_S else f"beat has been silent for {silence_s:.0f} s"


CHECKS: dict[str, Callable[[], str]] = {"web": web, "beat": beat}

if __name__ == "__main__":
    sys.exit(CHECKS[sys.argv[1]]() or 0)

"""Makes screenshots of every page, light and dark, wide and on a phone, empty, with some and with much data.

    python -m tests.gallery                 # all of them, into test-results/gallery
    python -m tests.gallery --only billing  # those with this in their names

Needs Chromium and npm. Fails where axe finds something serious, a text is cut off, or a phone scrolls sideways; the
screenshots are made all the same. CI runs a part of it without screenshots (tests/e2e/test_gallery.py).
"""

import argparse
import os
import subprocess
import sys


def main() -> int:
    """Run the gallery's test with all pages; return pytest's status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="pages with this in their names")
    asked = parser.parse_args()
    os.environ |= {"GALLERY": "all", "GALLERY_ONLY": asked.only}
    return subprocess.call([sys.executable, "-m", "pytest", "-q", "tests/e2e/test_gallery.py"])


if __name__ == "__main__":
    sys.exit(main())

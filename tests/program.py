"""`python -m tests.program PROGRAM ARGS..`: run a program that is no module of Python, below tests/guarded.py.

End it by its process group, which the program is a part of.
"""

import subprocess
import sys

if __name__ == "__main__":
    sys.exit(subprocess.call(sys.argv[1:]))

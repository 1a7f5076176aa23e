"""Runs a Python module that ends with its supervisor: `python guarded.py FD MODULE ARGS..`.

FD is the reading end of a pipe whose writing end the supervisor alone holds. It closes when the supervisor ends, in
whatever way, kill -9 included; then the process group is asked to end, and made to end soon after. The group, since a
worker has a beat process of its own.

Stands alone and imports nothing of the product, so that it costs nothing and runs the sandbox as well.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 6.0


def end_with(supervisor: int) -> None:
    """Wait until the pipe closes, then end this process group."""
    while os.read(supervisor, 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
    module = sys.argv[2]
    del sys.argv[:2]
    sys.path[0] = os.getcwd()  # as `python -m` has it, in place of this file's folder
    runpy.run_module(module, run_name="__main__", alter_sys=True)

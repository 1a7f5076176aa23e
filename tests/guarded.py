"""Processes that end with the test run which started them, however it ends: a killed one leaves none behind."""

import os
import subprocess
import sys
from typing import Any

from rgent.laptop import guarded

# Nothing is written to it. Its writing end closes when this process ends, which the reading ends notice.
_WATCHED, _HELD = os.pipe()


def start(*command: str, **options: Any) -> "subprocess.Popen[Any]":
    """Start a module of Python (`-m`, its name, arguments) or `manage.py` in a process group of its own."""
    module, *arguments = command[1:] if command[0] == "-m" else (command[0].removesuffix(".py"), *command[1:])
    return subprocess.Popen(
        [sys.executable, guarded.__file__, str(_WATCHED), module, *arguments],
        start_new_session=True,
        pass_fds=(_WATCHED,),
        **options,
    )

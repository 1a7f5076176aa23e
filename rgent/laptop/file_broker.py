"""The embedded mode's broker: Kombu's filesystem transport, with messages that appear whole.

Kombu creates a message's file and then fills it, so that a worker looking in between takes an empty message and dies
of it. Here the file is filled under another name and then renamed.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "files"


class Channel(filesystem.Channel):
    """Puts messages into the folder in one step."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(dumps(payload))
        os.replace(unfinished, folder / f"{name}.{queue}.msg")


class Transport(filesystem.Transport):
    """The transport behind `files://`."""

    Channel = Channel


def register() -> None:
    """Make `files://` known as a broker's address."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"

"""The sandbox's Claude as one object, to be mounted in an application."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from sandbox.claude_api.api import Api
from sandbox.claude_api.control import Control
from sandbox.claude_api.errors import ApiError
from sandbox.claude_api.ledger import Ledger
from sandbox.claude_api.state import State
from sandbox.claude_api.wire import Endpoint, Exchange


class ClaudeSandbox:
    """The sandbox's Claude, to be mounted in an application.

    `routes` are the API's, for the root. `control_routes` are to be mounted under `/_sandbox/claude`. `root` answers
    `GET` and `HEAD /`, and `not_found` any other path, in Claude's shape.
    """

    def __init__(self, *, data_dir: Path) -> None:
        self._state = State(data_dir=data_dir)
        self.routes: list[BaseRoute] = Api(state=self._state).routes()
        self.control_routes: list[BaseRoute] = Control(state=self._state).routes()
        self.root: ASGIApp = Endpoint(methods=frozenset({"GET", "HEAD"}), handler=_greet)
        self.not_found: ASGIApp = Endpoint(methods=_ANY_METHOD, handler=_not_found)

    @property
    def ledger(self) -> Ledger:
        """The ledger of served calls."""
        return self._state.ledger

    def reset(self) -> None:
        """Forget everything: ledger, faults, settings, changed models, caches."""
        self._state.reset()

    async def aclose(self) -> None:
        """Close the file. The sandbox answers no call afterwards."""
        self._state.close()


def build(*, data_dir: Path) -> ClaudeSandbox:
    """Build the sandbox's Claude. It keeps its one file, `claude.sqlite3`, in `data_dir`, which is made if missing."""
    return ClaudeSandbox(data_dir=data_dir)


_ANY_METHOD = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


async def _greet(exchange: Exchange) -> None:
    await exchange.answer({"type": "sandbox", "message": "The sandbox's Claude. POST /v1/messages to talk to it."})


async def _not_found(exchange: Exchange) -> None:
    raise ApiError(status=404)

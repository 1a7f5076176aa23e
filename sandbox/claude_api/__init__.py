"""A stand-alone Claude over HTTP: Messages, token counting and models, strict, deterministic and offline.

It answers as Claude's API does (shapes, headers, errors, events, prompt caching), says pleasant nonsense, and keeps a
ledger of what it served. It imports no SDK and no application. `docs/sandbox-claude.md` is its manual.

A prompt steers its answer with one directive, in any text of the last user message or (with less weight) of the system
prompt:

    directive := "[[usage" item* "]]"
    item      := whitespace (flag | name "=" value | name '="' quoted '"')       quoted: JSON string escapes

| Item | Means |
|---|---|
| `input= cache_read= cache_write_5m= cache_write_1h=` | so many input tokens; one given, other classes are 0 |
| `output=` | so many output tokens, thinking included (never more than `max_tokens`) |
| `thinking=` | a thinking block of that many tokens |
| `text="..."` | the visible text |
| `chunks=` | deltas in each content block of a stream |
| `tool_calls=` | calls of a tool that the request offers |
| `web_search=` | searches that Claude runs itself, in the answer and in `server_tool_use` |
| `stop=` | the stop reason (`tool_use` calls a tool) |
| `no_split` | usage without the 5-minute / 1-hour split of cache writes |
| `bare_delta` | `message_delta` with `output_tokens` alone |
| `error= error_type= message= retry_after_s=` | fail with that HTTP status |
| `error_after=` | after so many events of a stream an `error` event (529, or `error=`); else at once |
| `drop_after=` | after so many events close the connection (without a stream: in the middle of the body) |
| `stall_after=` | after so many events fall silent (without a stream: before the answer) |
| `delay_ms= chunk_delay_ms=` | wait before the answer; between two events |

Anything else in a directive is a 400 that says so.
"""

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

__all__ = ["ClaudeSandbox", "build"]


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
        """What was served."""
        return self._state.ledger

    def reset(self) -> None:
        """Forget everything: ledger, faults, settings, changed models, caches."""
        self._state.reset()

    async def aclose(self) -> None:
        """Close the file. The sandbox answers no call afterwards."""
        self._state.close()


def build(*, data_dir: Path) -> ClaudeSandbox:
    """Build the sandbox's Claude. Its one file, `claude.sqlite3`, is kept in `data_dir`, which is made if missing."""
    return ClaudeSandbox(data_dir=data_dir)


_ANY_METHOD = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


async def _greet(exchange: Exchange) -> None:
    await exchange.answer({"type": "sandbox", "message": "The sandbox's Claude. POST /v1/messages to talk to it."})


async def _not_found(exchange: Exchange) -> None:
    raise ApiError(status=404)

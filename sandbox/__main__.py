"""`python -m sandbox`: run the sandbox's Stripe and Claude on one port until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from sandbox.app import build
from sandbox.running import Config

_GRACE_S = 2


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve until stopped. Returns the exit status: 1, with a sentence, for a port
    in use.
    """
    options = _parser().parse_args(arguments)
    if bool(options.webhook_url) != bool(options.webhook_secret):
        return _fail("Give both --webhook-url and --webhook-secret, or neither.", status=2)
    try:
        listener = socket.create_server((options.host, options.port), reuse_port=False, backlog=512)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        return _fail(f"The sandbox cannot listen on {options.host}:{options.port}: {reason}.")
    port = listener.getsockname()[1]
    base_url = options.base_url or f"http://{_reachable(options.host)}:{port}"
    config = Config(
        options.data,
        base_url.rstrip("/"),
        options.webhook_url,
        options.webhook_secret,
        webhook_origins=tuple(options.webhook_origin),
    )
    try:
        app = build(config)
    except (OSError, sqlite3.Error) as error:
        return _fail(f"The sandbox cannot keep its state in {options.data}: {error}.")
    sys.stdout.write(
        f"sandbox: Stripe and Claude at {base_url} (a browser sees the dashboard), data in {options.data}\n"
    )
    sys.stdout.flush()
    _serve(app, listener)
    return 0


def _serve(app: object, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=75,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _fail(sentence: str, *, status: int = 1) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


def _reachable(host: str) -> str:
    """Return the host that browsers can use: loopback, where the sandbox listens on all addresses."""
    return "127.0.0.1" if host in ("", "::") or not any(part.strip("0") for part in host.split(".")) else host


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A Stripe and a Claude for laptops, tests and demonstrations."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8001, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("var/sandbox"), help="folder that keeps the state (default: %(default)s)"
    )
    parser.add_argument("--base-url", help="where browsers reach the sandbox, if not at host and port")
    parser.add_argument("--webhook-url", help="an endpoint that is told of every event")
    parser.add_argument("--webhook-secret", help="the secret its events are signed with (whsec_...)")
    parser.add_argument(
        "--webhook-origin",
        action="append",
        default=[],
        help="a further origin that webhooks may be sent to, as http://127.0.0.1:9000, or without a port for all",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

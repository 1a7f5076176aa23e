"""The bench measures truly: its load generator and its fake Claude agree with each other."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from bench.load import Load
from bench.measuring import Kind, hold, measure, served_by
from bench.processes import free_port, server
from bench.subjects import Subject, fake_claude
from bench.traffic import Shape

SHORT = Shape(events=8, pause_ms=20)
EVERY_CORE = os.sched_getaffinity(0)
# Answers one request with bytes that are not HTTP, and closes.
RUDE_SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        connection, _ = listener.accept()
        if connection.recv(65536):
            connection.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
        connection.close()
"""


@pytest.fixture
def claude(tmp_path: Path) -> Iterator[Subject]:
    """A fake Claude in a process of its own."""
    with fake_claude(cores=EVERY_CORE, folder=tmp_path) as subject:
        yield subject


def test_every_answer_that_is_counted_was_served(claude: Subject) -> None:
    load = Load(port=claude.server.port, requests=claude.requests(None), streaming=False)

    outcome = uvloop.run(load.run(concurrency=4, warm_up_s=0.05, window_s=0.2))

    assert outcome.answered == served_by(claude)["ceiling"]["plain"] > len(outcome.latencies_s) > 0
    assert not outcome.errors


def test_a_stream_takes_as_long_as_its_events_are_apart(claude: Subject) -> None:
    sample = measure(claude, Kind("streams", 2, SHORT), window_s=0.5)

    assert sample.p50_ms >= SHORT.lasts_s * 1000 > sample.first_byte_ms
    assert sample.errors == 0


def test_streams_are_held_open_at_the_same_time(claude: Subject) -> None:
    many = hold(claude, streams=30, for_s=2.5, claude=claude)
    few = hold(claude, streams=5, for_s=2.5, claude=claude)

    assert (many.asked, many.most_at_once, many.complete, many.errors) == (30, 30, 30, {})
    assert (few.asked, few.most_at_once, few.complete, few.errors) == (5, 5, 5, {})


@pytest.mark.parametrize(
    ("answer", "streaming", "error"),
    [
        (r"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno", False, "status 500: no"),
        (r"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nno", False, "connection lost: closed"),
        (r"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno", True, "the stream ended before its last event"),
    ],
)
def test_what_is_no_answer_is_an_error(answer: str, streaming: bool, error: str, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", RUDE_SERVER, str(port), answer]
    with server(command, port=port, cores=EVERY_CORE, log=tmp_path / "log"):
        load = Load(port=port, requests=[b"GET / HTTP/1.1\r\n\r\n"], streaming=streaming)

        outcome = uvloop.run(load.run_once(concurrency=3, patience_s=5))

    assert (outcome.answered, outcome.errors) == (0, {error: 3})

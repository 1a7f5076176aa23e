"""A fake Claude that is fast enough never to limit a subject: `python -m bench.fake_claude`.

It speaks only the HTTP/1.1 that the subjects' clients use, answers every `POST` alike, and counts served calls by
the caller's key, of which each subject has its own. `GET /served` tells the counts.
"""

import argparse
import asyncio
import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from bench.traffic import MODEL, SHAPE, Shape

INPUT_TOKENS = 180
PLAIN_OUTPUT_TOKENS = 24
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
KEY = re.compile(rb"(?i)\r\n(?:x-api-key|authorization): *(?:bearer )?([^\r]+)")
END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Served:
    """Counts of one subject. `held` streams are open now; `most_held` is their peak since none was open."""

    plain: int = 0
    streams: int = 0
    aborted: int = 0
    output_tokens: int = 0
    held: int = 0
    most_held: int = 0


def _message(output_tokens: int) -> dict[str, object]:
    return {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "The answer is short, plain and always the same one. " * 2}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        },
    }


def _answer(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _chunk(name: str, **fields: object) -> bytes:
    event = f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


PLAIN = _answer(json.dumps(_message(PLAIN_OUTPUT_TOKENS)).encode())
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
START = _chunk("message_start", message={**_message(1), "content": [], "stop_reason": None})
BLOCK = _chunk("content_block_start", index=0, content_block={"type": "text", "text": ""})
DELTA = _chunk("content_block_delta", index=0, delta={"type": "text_delta", "text": "some words "})
BLOCK_END = _chunk("content_block_stop", index=0)
STOP = _chunk("message_stop") + b"0\r\n\r\n"
EVENTS_AROUND_DELTAS = 5


def _chunks(shape: Shape) -> list[bytes]:
    """Return a stream's events; each delta is one token of output."""
    tokens = shape.events - EVENTS_AROUND_DELTAS
    end = _chunk("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": tokens})
    return [START, BLOCK, *[DELTA] * tokens, BLOCK_END, end, STOP]


class Exchange(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, *, served: defaultdict[str, Served], streams: dict[Shape, list[bytes]]) -> None:
        self._served, self._streams = served, streams
        self._buffer = b""
        self._streaming: Served | None = None
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for answers."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived whole."""
        self._buffer += data
        while (end := self._buffer.find(END_OF_HEAD)) >= 0:
            head, length = self._buffer[:end], LENGTH.search(self._buffer, 0, end)
            ends_at = end + len(END_OF_HEAD) + (int(length[1]) if length else 0)
            if len(self._buffer) < ends_at:
                return
            body, self._buffer = self._buffer[end:ends_at], self._buffer[ends_at:]
            self._respond(head, body)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the stream whose reader is gone."""
        if self._next is not None:
            self._next.cancel()
        if self._streaming is not None:
            self._streaming.aborted += 1
            self._streaming.held -= 1

    def _respond(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            told = {key: asdict(served) for key, served in self._served.items()}
            self._transport.write(_answer(json.dumps(told).encode()))
            return
        key = KEY.search(head)
        served = self._served[key[1].decode() if key else ""]
        if shape := SHAPE.search(body):
            self._begin_stream(served, Shape(events=int(shape[1]), pause_ms=int(shape[2])))
            return
        served.plain += 1
        served.output_tokens += PLAIN_OUTPUT_TOKENS
        self._transport.write(PLAIN)

    def _begin_stream(self, served: Served, shape: Shape) -> None:
        if shape not in self._streams:
            self._streams[shape] = _chunks(shape)
        self._streaming = served
        served.held += 1
        served.most_held = max(served.most_held, served.held) if served.held > 1 else 1
        self._transport.write(STREAM_HEAD)
        self._send(self._streams[shape], at=0, pause_s=shape.pause_ms / 1000)

    def _send(self, chunks: list[bytes], at: int, pause_s: float) -> None:
        self._transport.write(chunks[at])
        if at + 1 < len(chunks):
            self._next = asyncio.get_running_loop().call_later(pause_s, self._send, chunks, at + 1, pause_s)
            return
        served, self._streaming, self._next = self._streaming, None, None
        assert served is not None
        served.streams += 1
        served.output_tokens += len(chunks) - EVENTS_AROUND_DELTAS
        served.held -= 1


async def serve(*, port: int) -> None:
    """Serve on loopback until the process is stopped."""
    served: defaultdict[str, Served] = defaultdict(Served)
    streams: dict[Shape, list[bytes]] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(served=served, streams=streams), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(port=parser.parse_args().port))

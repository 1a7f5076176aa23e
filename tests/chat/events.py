"""Claude's bytes, read as a stream is read."""

from chat.sse import EventReader
from chat.stream_meter import StreamMeter
from chat.streaming import Reshape


def read_stream(*chunks: bytes) -> StreamMeter:
    """Return a meter that has read a stream which came in these chunks, and ended."""
    reader, meter = EventReader(), StreamMeter()
    for _, events in [*map(reader.feed, chunks), reader.close()]:
        for event in events:
            meter.read(event)
    return meter


def reshaped(reshape: Reshape, *chunks: bytes) -> bytes:
    """Return what a stream becomes on another surface."""
    reader, meter, sent = EventReader(), StreamMeter(), b""
    for _, events in [*map(reader.feed, chunks), reader.close()]:
        for event in events:
            meter.read(event)
        sent += reshape(events, meter)
    return sent

"""Files too large for memory, sent piece by piece."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def streamed_csv(pieces: Iterator[bytes], *, request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Return a download of CSV that is made while it is sent."""
    return streamed_file(pieces, request=request, name=name, content_type="text/csv; charset=utf-8")


def streamed_file(
    pieces: Iterator[bytes], *, request: HttpRequest, name: str, content_type: str
) -> StreamingHttpResponse:
    """Return a download that is made while it is sent.

    Under ASGI Django would collect an ordinary iterator first, so it is stepped through in the thread for queries.
    """
    body = _stepped(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _stepped(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(lambda: next(pieces, None))
    while (piece := await step()) is not None:
        yield piece

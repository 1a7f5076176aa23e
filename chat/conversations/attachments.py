"""Files that are attached to questions: pictures and PDFs, known by their first bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from chat.models import Attachment, Block

MB = 1024 * 1024
MOST_FILES = 5
# Claude's own limits are 5 MB a picture in base64 and 32 MB a request (docs.anthropic.com, "vision", "PDF support").
LARGEST_PICTURE = int(3.75 * MB)
LARGEST_PDF = 10 * MB
# Of one branch: base64 makes a third more of it, and the request must stay below Claude's 32 MB.
LARGEST_BRANCH = 20 * MB
# Of a form that is sent, which CHAT_BODY_BYTES limits.
LEFT_FOR_WORDS = 1 * MB
PDF = "application/pdf"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": PDF,
}


class FileRefused(Exception):
    """A file that cannot be attached. The message says why."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be attached."""

    name: str
    media_type: str
    data: bytes


def file_limits() -> dict[str, int]:
    """Return the limits that a page checks files by: the bytes of a picture, a PDF and all together; the number."""
    together = settings.CHAT_BODY_BYTES - LEFT_FOR_WORDS
    return {"picture": LARGEST_PICTURE, "pdf": LARGEST_PDF, "together": together, "number": MOST_FILES}


def read_files(uploads: "Iterable[UploadedFile[bytes]]") -> list[File]:
    """Return the files of a form. Raises FileRefused."""
    files = [_read(upload) for upload in uploads]
    check_number(files)
    return files


def check_number(files: Sequence[File]) -> None:
    """Raise FileRefused where these are more files than one message may have."""
    if len(files) > MOST_FILES:
        raise FileRefused(f"Attach {MOST_FILES} files at most to one message.")


def check_branch(sizes: Iterable[int]) -> None:
    """Raise FileRefused where a branch would hold more bytes of files than Claude takes in one request."""
    if sum(sizes) > LARGEST_BRANCH:
        raise FileRefused(
            f"The files of this conversation are larger than {LARGEST_BRANCH // MB} MB together. Begin a new one."
        )


def block_of(attachment: Attachment, data: str) -> Block:
    """Return Claude's content block for a file, whose base64 is `data`."""
    source = {"type": "base64", "media_type": attachment.media_type, "data": data}
    if attachment.media_type == PDF:
        return {"type": "document", "source": source, "title": attachment.name}
    return {"type": "image", "source": source}


def _read(upload: "UploadedFile[bytes]") -> File:
    name, data = (upload.name or "file")[-200:], upload.read()
    media_type = _media_type(data)
    if media_type is None:
        raise FileRefused(f"{name} is neither a picture (PNG, JPEG, GIF, WebP) nor a PDF.")
    limit = LARGEST_PDF if media_type == PDF else LARGEST_PICTURE
    if len(data) > limit:
        raise FileRefused(f"{name} is larger than {limit / MB:.3g} MB. Attach a smaller one.")
    return File(name=name, media_type=media_type, data=data)


def _media_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in SIGNATURES.items() if data.startswith(start)), None)

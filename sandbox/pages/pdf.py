"""A small writer of PDF files (PDF 1.4, ISO 32000-1): text and lines on pages, in the fonts that every reader has.

The fonts know only Windows-1252; other letters become question marks.
"""

from __future__ import annotations

from collections.abc import Sequence

LETTER = (612, 792)
_FONTS = ("Helvetica", "Helvetica-Bold")
# Widths of Helvetica's characters from the space on, in thousandths of the size (Adobe's font metrics). Figures and
# their punctuation are as wide in the bold face; its letters are a little wider.
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
_OTHER_WIDTH = 556


def width(text: str, *, size: float) -> float:
    """Return the width of the text, in points."""
    units = (_WIDTHS[ord(c) - 32] if 32 <= ord(c) < 127 else _OTHER_WIDTH for c in text)
    return sum(units) * size / 1000


def wrapped(text: str, *, size: float, room: float) -> list[str]:
    """Break the text into lines no wider than `room` points. Only a single long word is wider."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size=size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


class Page:
    """One page. Points are counted from the left and from the top."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._height = size[1]
        self._drawn: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10,
        bold: bool = False,
        grey: float = 0,
        right: bool = False,
    ) -> None:
        """Write one line of text on the baseline `y`, from `x` on, or up to `x` where `right`."""
        left = x - width(text, size=size) if right else x
        font = 2 if bold else 1
        self._drawn.append(
            f"BT {grey:.2f} g /F{font} {size:g} Tf {left:.2f} {self._height - y:.2f} Td ({_escaped(text)}) Tj ET"
        )

    def rule(self, x: float, y: float, length: float, *, grey: float = 0.8) -> None:
        """Draw a thin line to the right."""
        level = self._height - y
        self._drawn.append(f"{grey:.2f} G 0.7 w {x:.2f} {level:.2f} m {x + length:.2f} {level:.2f} l S")

    def content(self) -> bytes:
        """Return the page's drawing instructions."""
        return "\n".join(self._drawn).encode("cp1252")


class Document:
    """A file of pages of one size."""

    def __init__(self, *, title: str, size: tuple[int, int] = LETTER) -> None:
        self._title = title
        self._size = size
        self.pages: list[Page] = []

    def add_page(self) -> Page:
        """Add an empty page at the end."""
        self.pages.append(Page(self._size))
        return self.pages[-1]

    def to_bytes(self) -> bytes:
        """Return the file: catalogue, page tree, information and two fonts, then each page with its content."""
        first = 4 + len(_FONTS)
        kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(self.pages)))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {len(self.pages)} >>".encode(),
            f"<< /Title ({_escaped(self._title)}) >>".encode("cp1252"),
            *(
                f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
                for name in _FONTS
            ),
        ]
        for number, page in enumerate(self.pages):
            objects += self._page_objects(page, content_at=first + 2 * number + 1)
        return _file(objects)

    def _page_objects(self, page: Page, *, content_at: int) -> list[bytes]:
        across, down = self._size
        content = page.content()
        return [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {across} {down}] /Contents {content_at} 0 R "
            "/Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]


def _file(objects: Sequence[bytes]) -> bytes:
    """Join numbered objects, and the table of the bytes at which they begin."""
    body, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return bytes(body) + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def _escaped(text: str) -> str:
    """Escape text for a PDF's parentheses."""
    known = text.encode("cp1252", errors="replace").decode("cp1252")
    known = "".join(character if character.isprintable() else " " for character in known)
    return known.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")

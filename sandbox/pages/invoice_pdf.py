"""The invoice as a PDF."""

from __future__ import annotations

from sandbox.pages import pdf
from sandbox.pages.invoice_view import InvoiceView, LineView

_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 562, 60, 740
_QUANTITY, _UNIT = 360, 460
_DESCRIPTION_ROOM = 250
_LINE_HEIGHT = 13


def render(invoice: InvoiceView) -> bytes:
    """Return the PDF file. The table goes on on further pages, each headed by its titles."""
    document = pdf.Document(title=f"Invoice {invoice.number}")
    page = document.add_page()
    y = _table_head(page, _heading(page, invoice))
    for line in invoice.lines:
        if y + _height(line) > _BOTTOM:
            page, y = _next_page(document)
        y = _row(page, y, line)
    if y + 20 * len(invoice.sums) > _BOTTOM:
        page, y = document.add_page(), float(_TOP)
    y = _sums(page, y, invoice) + 10
    _footer(document, y, invoice.footer)
    for number, each in enumerate(document.pages, start=1):
        each.text(_RIGHT, 770, f"Page {number} of {len(document.pages)}", size=8, grey=0.5, right=True)
        each.text(_LEFT, 770, f"{invoice.number} · made by a sandbox, nothing real was sold", size=8, grey=0.5)
    return document.to_bytes()


def _next_page(document: pdf.Document) -> tuple[pdf.Page, float]:
    page = document.add_page()
    return page, _table_head(page, _TOP)


def _footer(document: pdf.Document, y: float, text: str) -> None:
    for line in pdf.wrapped(text, size=9, room=_RIGHT - _LEFT):
        y += _LINE_HEIGHT
        if y > _BOTTOM:
            document.add_page()
            y = _TOP
        document.pages[-1].text(_LEFT, y, line, size=9, grey=0.4)


def _heading(page: pdf.Page, invoice: InvoiceView) -> float:
    page.text(_LEFT, _TOP, "Invoice", size=20, bold=True)
    page.text(_RIGHT, _TOP, invoice.seller, size=14, bold=True, grey=0.35, right=True)
    y = float(_TOP + 12)
    for label, value in invoice.facts:
        y += 16
        page.text(_LEFT, y, label, bold=True)
        page.text(_LEFT + 110, y, value)
    y += 34
    page.text(_LEFT, y, "From", bold=True)
    page.text(_LEFT + 260, y, "Bill to", bold=True)
    page.text(_LEFT, y + 15, invoice.seller)
    for text in invoice.buyer:
        y += 15
        page.text(_LEFT + 260, y, text)
    y += 50
    page.text(_LEFT, y, invoice.headline, size=16, bold=True)
    return y + 34


def _table_head(page: pdf.Page, y: float) -> float:
    page.text(_LEFT, y, "Description", size=9, grey=0.4)
    for x, title in ((_QUANTITY, "Quantity"), (_UNIT, "Unit price"), (_RIGHT, "Amount")):
        page.text(x, y, title, size=9, grey=0.4, right=True)
    page.rule(_LEFT, y + 7, _RIGHT - _LEFT, grey=0.2)
    return y + 24


def _description(line: LineView) -> list[str]:
    return pdf.wrapped(line.description, size=10, room=_DESCRIPTION_ROOM)


def _height(line: LineView) -> float:
    return _LINE_HEIGHT * (len(_description(line)) + 1) + 8


def _row(page: pdf.Page, y: float, line: LineView) -> float:
    for number, text in enumerate(_description(line)):
        page.text(_LEFT, y + number * _LINE_HEIGHT, text)
    page.text(_LEFT, y + _height(line) - _LINE_HEIGHT - 8, line.period, size=8.5, grey=0.45)
    for x, value in ((_QUANTITY, line.quantity), (_UNIT, line.unit_price), (_RIGHT, line.amount)):
        page.text(x, y, value, right=True)
    return y + _height(line)


def _sums(page: pdf.Page, y: float, invoice: InvoiceView) -> float:
    for number, (label, value) in enumerate(invoice.sums, start=1):
        last = number == len(invoice.sums)
        page.rule(_QUANTITY - 60, y - 4, _RIGHT - _QUANTITY + 60)
        y += 12
        page.text(_QUANTITY - 60, y, label, bold=last)
        page.text(_RIGHT, y, value, bold=last, right=True)
        y += 8
    return y

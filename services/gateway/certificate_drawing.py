"""Draws a certificate as PDF: the same record gives the same bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import TypeVar
from unicodedata import normalize

from services.gateway import fonts
from services.gateway.certificate_sheet import (
    ACCENT,
    COLUMN,
    DISPLAY,
    FOLIO,
    GUTTER,
    INK,
    LEFT,
    QUIET,
    RIGHT,
    SEAL,
    WIDTH,
    Line,
    Sheet,
    blank,
    draw_code,
    draw_rosette,
)
from services.gateway.certificates import LACKING, UNIT, Content, Fact, Record
from services.gateway.proofs import Proof

_CODE = 31.0
Shown = TypeVar("Shown", bound=Record | Proof)


def drawn(record: Record | Proof, url: str) -> bytes:
    """The certificate; its QR code leads to the URL."""
    plain, lacking = legible(record)
    content = plain.content
    title = content.kind.title
    sheet = blank(f"{title.zh} {title.en} {content.number}", content.number, content.made_at)
    _head(sheet, content)
    _amount(sheet, content.tonnes)
    if content.holder:
        _holder(sheet, content.holder)
    _facts(sheet, content.facts)
    _entries(sheet, content)
    _folios(sheet)
    _seal(sheet, content, url, has_gaps=bool(lacking))
    return bytes(sheet.pdf.output())


def legible(record: Shown) -> tuple[Shown, str]:
    """The record as the font can show it, each text on one line, and the characters that it cannot show."""
    texts = {
        field.name: normalize("NFC", " ".join(value.split()))
        for field in fields(record)
        if isinstance(value := getattr(record, field.name), str)
    }
    lacking = sorted(set("".join(texts.values())) - fonts.characters(fonts.TEXT))
    shown = str.maketrans(dict.fromkeys(lacking, LACKING))
    plain = {name: text.translate(shown) for name, text in texts.items()}
    return replace(record, **plain), "".join(lacking)


def _head(sheet: Sheet, content: Content) -> None:
    kind = content.kind
    sheet.write(LEFT, "TONNE", 12, ACCENT, DISPLAY)
    sheet.write(LEFT + 21, "碳信用登记系统 Carbon credit registry", 7.5, QUIET)
    sheet.write_before(RIGHT, content.number, 10, ACCENT)
    sheet.y += 4
    sheet.rule(ACCENT)
    draw_rosette(sheet, content.sha256, RIGHT - 19, sheet.y + 24)
    sheet.y += 21
    sheet.write(LEFT, kind.title.zh, 32, font=DISPLAY)
    sheet.y += 9.5
    sheet.write(LEFT, kind.title.en, 15, QUIET, DISPLAY)
    sheet.y += 14
    sheet.write_lines(LEFT, sheet.lines(kind.statement.zh, 9.5, WIDTH, INK, 5))
    sheet.write_lines(LEFT, sheet.lines(kind.statement.en, 8.5, WIDTH, QUIET, 4.4))


def _amount(sheet: Sheet, quantity: int) -> None:
    sheet.y += 16
    tonnes = f"{quantity:,}"
    sheet.write(LEFT, tonnes, 40, ACCENT, DISPLAY)
    x = LEFT + sheet.width(tonnes, 40, DISPLAY) + 4
    sheet.y -= 5
    sheet.write(x, UNIT.zh, 11, font=DISPLAY)
    sheet.y += 5
    sheet.write(x, UNIT.en, 8.5, QUIET)
    sheet.y += 11


def _holder(sheet: Sheet, holder: Fact) -> None:
    sheet.write(LEFT, f"{holder.label.zh} {holder.label.en}", 7.5, QUIET)
    sheet.y += 7
    sheet.write_lines(LEFT, sheet.lines(holder.value, 15, WIDTH, INK, 7))
    sheet.write_lines(LEFT, sheet.lines(holder.note, 8.5, WIDTH, QUIET, 6))


def _facts(sheet: Sheet, found: Sequence[Fact]) -> None:
    """Two beside each other, row by row."""
    for start in range(0, len(found), 2):
        cells = [list(_cell(sheet, fact)) for fact in found[start : start + 2]]
        height = max(sum(step for *_, step in cell) for cell in cells)
        sheet.require(height + 5)
        sheet.rule()
        top = sheet.y + 5
        for x, cell in zip((LEFT, LEFT + COLUMN + GUTTER), cells, strict=False):
            sheet.y = top
            sheet.write_lines(x, cell)
        sheet.y = top + height


def _cell(sheet: Sheet, fact: Fact) -> Iterator[Line]:
    yield f"{fact.label.zh} {fact.label.en}", 7.5, QUIET, 5
    yield from sheet.lines(fact.value, 10, COLUMN, INK, 4.8)
    if fact.note:
        yield from sheet.lines(fact.note, 8, COLUMN, QUIET, 4.2)


def _entries(sheet: Sheet, content: Content) -> None:
    """In two columns where they fit, over as many pages as they need."""
    size, step = 8, 4.6
    label, entries = content.kind.entries, content.entries
    sheet.require(5 + 3 * step)
    sheet.rule()
    sheet.y += 5
    sheet.write(LEFT, f"{label.zh} {label.en}", 7.5, QUIET)
    widest = max((sheet.width(f"{one.text}    {one.tonnes:,}", size) for one in entries), default=0)
    columns = 2 if widest <= COLUMN and len(entries) > 1 else 1
    width = COLUMN if columns == 2 else WIDTH
    for place, one in enumerate(entries):
        column = place % columns
        if column == 0:
            sheet.y += step
            sheet.require(0)
        x = LEFT + column * (width + GUTTER)
        sheet.write(x, one.text, size)
        sheet.write_before(x + width, f"{one.tonnes:,}", size, QUIET)


def _folios(sheet: Sheet) -> None:
    """The number of each page, once all are drawn."""
    pages = sheet.pdf.page
    sheet.y = FOLIO
    for page in range(1, pages + 1):
        sheet.pdf.page = page
        sheet.write_before(RIGHT, f"{page} / {pages}", 7.5, QUIET)


def _seal(sheet: Sheet, content: Content, url: str, *, has_gaps: bool) -> None:
    """At the foot of the first page: how to verify it."""
    sheet.pdf.page = 1
    sheet.y, sheet.end = SEAL + 4, FOLIO
    sheet.rule(ACCENT)
    draw_code(sheet, url, RIGHT - _CODE, SEAL + 8, _CODE)
    sheet.y += 7
    sheet.write_lines(LEFT, _verifying(sheet, content, url))
    if has_gaps:
        sheet.y += 2
        sheet.write(LEFT, f"{LACKING} 本文件字体所缺的字符，见公开记录。", 7, QUIET)
        sheet.y += 3.6
        text = f"{LACKING} A character that this font lacks; the public record shows it."
        sheet.write(LEFT, text, 7, QUIET)


def _verifying(sheet: Sheet, content: Content, url: str) -> Iterator[Line]:
    hashed = content.kind.hashed
    digits = [content.sha256[start : start + 8] for start in range(0, 64, 8)]
    yield "公开记录，扫码核验 Public record, scan to verify", 7.5, QUIET, 4.6
    yield from sheet.lines(url, 8.5, WIDTH - _CODE - GUTTER, INK, 4)
    yield "", 8.5, INK, 4
    yield f"{hashed.zh} {hashed.en}", 7.5, QUIET, 4.6
    yield " ".join(digits[:4]), 8.5, INK, 4.4
    yield " ".join(digits[4:]), 8.5, INK, 4.4

"""Draws a certificate as PDF: the same record gives the same bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
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
from services.gateway.certificates import (
    LACKING,
    UNIT,
    Fact,
    Record,
    Serials,
    beneficiary_of,
    facts,
    has_beneficiary,
    identity_of,
    kind_of,
)

_CODE = 31.0


def drawn(record: Record, url: str) -> bytes:
    """The certificate; its QR code leads to the URL."""
    plain, lacking = legible(record)
    title = kind_of(plain).title
    number = plain.certificate_number
    sheet = blank(f"{title.zh} {title.en} {number}", number, plain.retired_at)
    _head(sheet, plain)
    _amount(sheet, plain)
    if has_beneficiary(plain):
        _beneficiary(sheet, plain)
    _facts(sheet, list(facts(plain)))
    _serials(sheet, plain.ranges)
    _folios(sheet)
    _seal(sheet, plain, url, has_gaps=bool(lacking))
    return bytes(sheet.pdf.output())


def legible(record: Record) -> tuple[Record, str]:
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


def _head(sheet: Sheet, record: Record) -> None:
    kind = kind_of(record)
    sheet.write(LEFT, "TONNE", 12, ACCENT, DISPLAY)
    sheet.write(LEFT + 21, "碳信用登记系统 Carbon credit registry", 7.5, QUIET)
    sheet.write_before(RIGHT, record.certificate_number, 10, ACCENT)
    sheet.y += 4
    sheet.rule(ACCENT)
    draw_rosette(sheet, record.entry_sha256, RIGHT - 19, sheet.y + 24)
    sheet.y += 21
    sheet.write(LEFT, kind.title.zh, 32, font=DISPLAY)
    sheet.y += 9.5
    sheet.write(LEFT, kind.title.en, 15, QUIET, DISPLAY)
    sheet.y += 14
    sheet.write_lines(LEFT, sheet.lines(kind.statement.zh, 9.5, WIDTH, INK, 5))
    sheet.write_lines(LEFT, sheet.lines(kind.statement.en, 8.5, WIDTH, QUIET, 4.4))


def _amount(sheet: Sheet, record: Record) -> None:
    sheet.y += 16
    tonnes = f"{record.tonnes:,}"
    sheet.write(LEFT, tonnes, 40, ACCENT, DISPLAY)
    x = LEFT + sheet.width(tonnes, 40, DISPLAY) + 4
    sheet.y -= 5
    sheet.write(x, UNIT.zh, 11, font=DISPLAY)
    sheet.y += 5
    sheet.write(x, UNIT.en, 8.5, QUIET)
    sheet.y += 11


def _beneficiary(sheet: Sheet, record: Record) -> None:
    sheet.write(LEFT, "受益人 Beneficiary", 7.5, QUIET)
    sheet.y += 7
    sheet.write_lines(LEFT, sheet.lines(beneficiary_of(record), 15, WIDTH, INK, 7))
    sheet.write_lines(LEFT, sheet.lines(identity_of(record), 8.5, WIDTH, QUIET, 6))


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


def _serials(sheet: Sheet, ranges: Sequence[Serials]) -> None:
    """In two columns where they fit, over as many pages as they need."""
    size, step = 8, 4.6
    sheet.require(5 + 3 * step)
    sheet.rule()
    sheet.y += 5
    sheet.write(LEFT, "序列号 Serial numbers", 7.5, QUIET)
    widest = max(sheet.width(f"{one.serials}    {one.tonnes:,}", size) for one in ranges)
    columns = 2 if widest <= COLUMN and len(ranges) > 1 else 1
    width = COLUMN if columns == 2 else WIDTH
    for place, one in enumerate(ranges):
        column = place % columns
        if column == 0:
            sheet.y += step
            sheet.require(0)
        x = LEFT + column * (width + GUTTER)
        sheet.write(x, one.serials, size)
        sheet.write_before(x + width, f"{one.tonnes:,}", size, QUIET)


def _folios(sheet: Sheet) -> None:
    """The number of each page, once all are drawn."""
    pages = sheet.pdf.page
    sheet.y = FOLIO
    for page in range(1, pages + 1):
        sheet.pdf.page = page
        sheet.write_before(RIGHT, f"{page} / {pages}", 7.5, QUIET)


def _seal(sheet: Sheet, record: Record, url: str, *, has_gaps: bool) -> None:
    """At the foot of the first page: how to verify it."""
    sheet.pdf.page = 1
    sheet.y, sheet.end = SEAL + 4, FOLIO
    sheet.rule(ACCENT)
    draw_code(sheet, url, RIGHT - _CODE, SEAL + 8, _CODE)
    sheet.y += 7
    sheet.write_lines(LEFT, _proof(sheet, record, url))
    if has_gaps:
        sheet.y += 2
        sheet.write(LEFT, f"{LACKING} 本文件字体所缺的字符，见公开记录。", 7, QUIET)
        sheet.y += 3.6
        text = f"{LACKING} A character that this font lacks; the public record shows it."
        sheet.write(LEFT, text, 7, QUIET)


def _proof(sheet: Sheet, record: Record, url: str) -> Iterator[Line]:
    digits = [record.entry_sha256[start : start + 8] for start in range(0, 64, 8)]
    yield "公开记录，扫码核验 Public record, scan to verify", 7.5, QUIET, 4.6
    yield from sheet.lines(url, 8.5, WIDTH - _CODE - GUTTER, INK, 4)
    yield "", 8.5, INK, 4
    yield "账册分录的哈希值 SHA-256 of the ledger entry", 7.5, QUIET, 4.6
    yield " ".join(digits[:4]), 8.5, INK, 4.4
    yield " ".join(digits[4:]), 8.5, INK, 4.4

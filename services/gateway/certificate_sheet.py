"""The sheet on which a certificate is drawn: A4 upright, its colors and measures, lines of text and two marks."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import cos, sin, tau

import segno
from fpdf import FPDF

from services.gateway import fonts

Color = tuple[int, int, int]
Line = tuple[str, float, Color, float]
"""A text, its size and color, and how far below it the next line stands."""

ACCENT, INK, QUIET, HAIR = (16, 84, 69), (27, 32, 31), (112, 122, 120), (205, 213, 210)
TEXT, DISPLAY = "text", "display"
LEFT, RIGHT, TOP = 26.0, 184.0, 25.0
WIDTH = RIGHT - LEFT
GUTTER = 12.0
COLUMN = (WIDTH - GUTTER) / 2
SEAL, BOTTOM, FOLIO = 238.0, 272.0, 283.0
"""Where the first page's seal begins, where a page ends, and where its number stands; all in millimetres."""

_PIECE = re.compile(r"[\u2e80-\uffff][，。、；：！？）》」』】]*|[^\s\u2e80-\uffff]+|\s+")
"""What stays on one line: a Chinese character with the punctuation after it, a word, a space."""


@dataclass(slots=True)
class Sheet:
    """A document while it is drawn: the height that has been reached, and where its page ends."""

    pdf: FPDF
    running_head: str
    y: float = TOP
    end: float = SEAL

    def width(self, text: str, size: float, font: str = TEXT) -> float:
        """How wide a line is."""
        self.pdf.set_font(font, size=size)
        return self.pdf.get_string_width(text)

    def write(self, x: float, text: str, size: float, color: Color = INK, font: str = TEXT) -> None:
        """One line of text that begins at x."""
        self.pdf.set_font(font, size=size)
        self.pdf.set_text_color(*color)
        self.pdf.text(x, self.y, text)

    def write_before(self, x: float, text: str, size: float, color: Color = INK) -> None:
        """One line of text that ends at x."""
        self.write(x - self.width(text, size), text, size, color)

    def write_lines(self, x: float, lines: Iterable[Line]) -> None:
        """Lines below each other, on further pages if need be."""
        for text, size, color, step in lines:
            self.require(step)
            self.write(x, text, size, color)
            self.y += step

    def lines(self, text: str, size: float, width: float, color: Color, step: float) -> list[Line]:
        """The text in lines that are not wider than this."""
        parts = _parts(text, lambda part: self.width(part, size) <= width)
        return [(part, size, color, step) for part in parts]

    def rule(self, color: Color = HAIR) -> None:
        """A hairline over the whole width."""
        self.pdf.set_draw_color(*color)
        self.pdf.set_line_width(0.2)
        self.pdf.line(LEFT, self.y, RIGHT, self.y)

    def require(self, height: float) -> None:
        """Goes on to a new page if this one has no room for so much."""
        if self.y + height <= self.end:
            return
        self.pdf.add_page()
        self.y, self.end = TOP, BOTTOM
        self.write(LEFT, self.running_head, 9, ACCENT)
        self.write_before(RIGHT, "续页 Continued", 8, QUIET)
        self.y += 3
        self.rule()
        self.y += 10


def blank(title: str, running_head: str, made_at: datetime) -> Sheet:
    """An empty sheet; nothing in it tells when it was drawn."""
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(made_at)
    pdf.set_lang("zh-CN")
    pdf.set_title(title)
    pdf.set_author("Tonne")
    pdf.add_font(TEXT, fname=fonts.TEXT)
    pdf.add_font(DISPLAY, fname=fonts.DISPLAY)
    pdf.add_page()
    return Sheet(pdf, running_head)


def draw_rosette(sheet: Sheet, sha256: str, x: float, y: float) -> None:
    """A mark in fine lines around a point: how many petals it has, and their form, are digits of the hash."""
    first, second, third = (int(digit, 16) / 16 for digit in sha256[:3])
    petals = 5 + int(8 * first)
    sheet.pdf.set_draw_color(*ACCENT)
    sheet.pdf.set_line_width(0.06)

    def point(angle: float, phase: float) -> tuple[float, float]:
        slow = sin(petals * angle + phase)
        fast = sin(2 * petals * angle - phase + tau * second)
        radius = 13 + 3.6 * slow + (1 + 1.6 * third) * fast
        return x + radius * cos(angle), y + radius * sin(angle)

    for phase in (tau * line / 14 for line in range(14)):
        sheet.pdf.polyline([point(tau * step / 360, phase) for step in range(361)])


def draw_code(sheet: Sheet, url: str, x: float, y: float, size: float) -> None:
    """The QR code of a URL, each run of dark modules as one bar that touches the next row's."""
    rows = segno.make(url, error="m", micro=False).matrix
    module = size / len(rows)
    sheet.pdf.set_fill_color(*INK)
    for number, row in enumerate(rows):
        for run in re.finditer(b"\x01+", bytes(row)):
            width = len(run[0]) * module
            left, top = x + run.start() * module, y + number * module
            sheet.pdf.rect(left, top, width, module + 0.02, style="F")


def _parts(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """Broken between pieces; inside one only if it is wider than a line."""
    line = ""
    for piece in _PIECE.findall(text):
        for part in [piece] if fits(piece) else piece:
            if line and not fits(f"{line}{part}".rstrip()):
                yield line.rstrip()
                line = ""
            line += part if line else part.lstrip()
    yield line.rstrip()

"""The paper of a report: A4 pages with their frame, an embedded font, and text that no name can break."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # of fpdf2, which reads the fonts with it
from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONTS: Final = Path(__file__).parent / "fonts"
FAMILY: Final = "DejaVu"
NOTICE: Final = "Research use only. Not a medical device."
UNKNOWN: Final = "\ufffd"  # in the place of a letter that the font lacks

MARGIN: Final = 15.0  # mm
WIDTH: Final = 210.0 - 2 * MARGIN  # mm, of the text
FOOT: Final = 16.0  # mm

INK: Final = (26, 28, 35)
GREY: Final = (96, 101, 114)
LINE: Final = (214, 217, 224)
PALE: Final = (243, 244, 248)
ACCENT: Final = (85, 98, 189)
WARM: Final = (176, 98, 6)
BAD: Final = (176, 32, 98)
Colour = tuple[int, int, int]


@cache
def _glyphs() -> frozenset[int]:
    """Code points that both weights of the font hold."""
    found = [set(TTFont(FONTS / file).getBestCmap()) for file in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return frozenset(found[0] & found[1])


def printable(text: object) -> str:
    """What can be printed of a text: control characters as spaces, letters without a glyph as UNKNOWN."""
    known = _glyphs()
    plain = unicodedata.normalize("NFC", str(text))
    spaced = (" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in plain)
    visible = (one for one in spaced if unicodedata.category(one) != "Cf")  # such as marks that turn the direction
    return "".join(one if ord(one) in known else UNKNOWN for one in visible)


def shortened(text: str, most: int) -> str:
    """At most so many letters, the middle left out: names of files differ at their ends."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def utc(at: datetime | None) -> str:
    """'2026-11-30 07:12:05 UTC'; a time without a zone is UTC."""
    if at is None:
        return "not known"
    return f"{at.astimezone(UTC) if at.tzinfo else at:%Y-%m-%d %H:%M:%S} UTC"


class Sheet(FPDF):
    """A document whose every page says what it is, that it is for research only, and which page of how many."""

    def __init__(self, title: str, made_at: datetime) -> None:
        super().__init__(format="A4", unit="mm")
        self.heading = printable(title)
        self.made_at = made_at
        self.set_creation_date(made_at)
        self.set_title(self.heading)
        self.set_subject(NOTICE)
        self.set_creator("CellAscent")
        self.set_lang("en")
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0  # text begins where pictures and lines do
        self.set_auto_page_break(True, FOOT + 4)
        self.add_page()

    def header(self) -> None:
        self.ink(8, GREY)
        self.set_y(8)
        self.cell(WIDTH / 2, 4, "CellAscent")
        self.ink(8, BAD, bold=True)
        self.cell(WIDTH / 2, 4, NOTICE, align="R")
        self._rule(13.5)
        self.set_y(18)

    def footer(self) -> None:
        self._rule(297 - FOOT)
        self.set_y(-FOOT + 2)
        self.ink(7, GREY)
        self.cell(WIDTH * 0.7, 4, f"{shortened(self.heading, 70)} · made {utc(self.made_at)}")
        self.cell(WIDTH * 0.3, 4, f"Page {self.page_no()} of {{nb}}", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(WIDTH, 4, NOTICE)

    def ink(self, size: float, colour: Colour = INK, *, bold: bool = False) -> None:
        """Font size (pt), colour and weight of what is written next."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def line_of(self, text: str, size: float = 9, colour: Colour = INK, *, bold: bool = False, gap: float = 0) -> None:
        """A paragraph over the width of the page; `gap` (mm) follows it."""
        self.ink(size, colour, bold=bold)
        self.set_x(MARGIN)
        self.multi_cell(WIDTH, size * 0.48, printable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(gap)

    def section(self, title: str, *, least: float = 25) -> None:
        """A heading; it begins a new page where less than `least` mm are left for what follows."""
        self.need(least + 10)
        self.ln(4)
        self.line_of(title, 11, ACCENT, bold=True, gap=1.5)

    def need(self, height: float) -> bool:
        """Begin a new page unless `height` mm are left on this one; whether it did."""
        if self.get_y() + height <= 297 - FOOT - 4:
            return False
        self.add_page()
        return True

    def height_of(self, text: str, width: float, step: float) -> float:
        """Height (mm) of a text in the present font, wrapped to `width` mm with lines of `step` mm."""
        lines = self.multi_cell(width, step, text, align="L", dry_run=True, output="LINES")
        return step * len(lines) if isinstance(lines, list) else step

    def pairs(self, rows: Sequence[tuple[str, str]], label: float = 48, size: float = 8.5) -> None:
        """Labels (`label` mm wide) and what they say, a row each; what has no label takes the whole width."""
        step = size * 0.5
        for name, text in rows:
            said = printable(text)
            if not name:
                self.line_of(said, size, gap=0.8)
                continue
            self.ink(size)
            self.need(min(self.height_of(said, WIDTH - label, step), 200.0))
            top, page = self.get_y(), self.page
            self.ink(size, GREY)
            self.multi_cell(label - 3, step, printable(name), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            under = self.get_y() if self.page == page else top
            self.set_xy(MARGIN + label, top)
            self.ink(size)
            self.multi_cell(WIDTH - label, step, said, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_y((max(under, self.get_y()) if self.page == page else self.get_y()) + 0.8)

    def picture(self, jpeg: bytes, x: float, y: float, side: float, alt: str) -> float:
        """Draw an image within a square of `side` mm at (x, y), as large as fits; its height (mm)."""
        info = self.image(io.BytesIO(jpeg), x, y, side, side, keep_aspect_ratio=True, alt_text=printable(alt))
        return float(info.rendered_height or side)

    def caption(self, text: str, width: float) -> None:
        """A small grey line, `width` mm wide, where the pen is."""
        self.ink(7.5, GREY)
        self.multi_cell(width, 3.6, printable(text), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)

    def bar(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def whisker(self, x0: float, x1: float, y: float, colour: Colour) -> None:
        """An interval as a line with ends."""
        self.set_draw_color(*colour)
        self.set_line_width(0.35)
        self.line(x0, y, x1, y)
        for x in (x0, x1):
            self.line(x, y - 0.9, x, y + 0.9)

    def _rule(self, y: float) -> None:
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(MARGIN, y, MARGIN + WIDTH, y)

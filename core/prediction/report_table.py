"""The readings of a batch as rows of a report: small pictures, decisions, why an expert has to look, reviews."""

from __future__ import annotations

from collections.abc import Sequence

from fpdf.enums import XPos, YPos

from core.prediction.reading import name_of
from core.prediction.reading_words import reasons_to_look, share_of, told_class
from core.prediction.report_facts import Reported
from core.prediction.report_page import ACCENT, GREY, LINE, MARGIN, WIDTH, Colour, Sheet, printable
from core.prediction.report_parts import colour_of, shortened_to
from core.prediction.thumbnail import smaller
from core.prediction.wording import percent

ROW = 11.0  # mm
SIDE = 9.6  # mm
PIXELS = 96  # of a picture: 250 dpi
COLUMNS = (("", 12.0), ("File, reading, image hash", 60.0), ("Decision", 40.0), ("Reasons to look", 38.0),
           ("Review", 30.0))  # fmt: skip


def table(sheet: Sheet, items: Sequence[Reported]) -> None:
    """A row a reading, in the order given. The hash is cut; the whole one is in the CSV and on record."""
    if not items:
        sheet.line_of("Nothing was read.", 9, GREY)
        return
    words = "What needs eyes first comes first. Of each image's SHA-256 the first 16 of 64 digits are printed."
    sheet.line_of(words, 8.5, GREY, gap=1)
    _head(sheet)
    for at, item in enumerate(items):
        if sheet.need(ROW):
            _head(sheet)
        _row(sheet, item, at + 1)


def refused_table(sheet: Sheet, refused: Sequence[tuple[str, str]]) -> None:
    """A file and its sentence, a line each; the sentence begins with the file's name."""
    for name, sentence in refused:
        sheet.line_of(sentence if name in sentence else f"{name}: {sentence}", 8.5, gap=0.6)


def _head(sheet: Sheet) -> None:
    sheet.ink(7.5, GREY, bold=True)
    sheet.set_x(MARGIN)
    for text, width in COLUMNS:
        sheet.cell(width, 5, text)
    sheet.ln(5.5)


def _row(sheet: Sheet, item: Reported, number: int) -> None:
    reading, top = item.reading, sheet.get_y()
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.1)
    sheet.line(MARGIN, top - 0.3, MARGIN + WIDTH, top - 0.3)
    if item.picture is not None:
        sheet.picture(smaller(item.picture, PIXELS), MARGIN, top + 0.3, SIDE, f"Image {number}")
    share = f"{name_of(told_class(reading))} {percent(share_of(reading))}"
    lines = (
        ((item.name, 8.0, None), (item.reading_id or "not on record", 6.0, GREY),
         (reading.image_sha256[:16], 6.0, GREY)),
        ((reading.decision.words, 8.0, colour_of(reading)), (share, 7.0, GREY)),
        ((reasons_to_look(reading) or "–", 7.0, None),),
        _reviewed(item),
    )  # fmt: skip
    left = MARGIN + COLUMNS[0][1]
    for (_, width), said in zip(COLUMNS[1:], lines, strict=True):
        y = top + 0.4
        for text, size, colour in said:
            sheet.ink(size, *(() if colour is None else (colour,)))
            for line in _wrapped(sheet, text, width - 2, 3 if len(said) == 1 else 1):
                sheet.set_xy(left, y)
                sheet.cell(width - 2, size * 0.43, line)
                y += size * 0.43 + 0.2
        left += width
    sheet.set_xy(MARGIN, top + ROW)


def _reviewed(item: Reported) -> tuple[tuple[str, float, Colour | None], ...]:
    if item.review is None:
        return (("not reviewed", 7.0, GREY),)
    return ((f"{item.review.words}, {item.review.reviewed_by or 'name not known'}", 7.0, ACCENT),)


def _wrapped(sheet: Sheet, text: str, width: float, most: int) -> list[str]:
    """The text in at most `most` lines of `width` mm, the last one shortened."""
    if most == 1:
        return [shortened_to(sheet, text, width)]
    found = sheet.multi_cell(width, 3, printable(text), align="L", dry_run=True, output="LINES",
                             new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # fmt: skip
    lines = [str(line) for line in found] if isinstance(found, list) else [text]
    return (
        lines if len(lines) <= most else [*lines[: most - 1], shortened_to(sheet, " ".join(lines[most - 1 :]), width)]
    )

"""The differential count in a report: a table, and the shares with their intervals drawn to scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.prediction.count import ClassCount, Differential, Share
from core.prediction.reading import name_of
from core.prediction.report_page import ACCENT, GREY, LINE, MARGIN, PALE, WARM, WIDTH, Sheet
from core.prediction.report_parts import TOGETHER, shortened_to

NO_INTERVAL = "–"


def told(share: Share | None) -> str:
    """'12.5 % (8.1 to 18.7)'."""
    if share is None:
        return NO_INTERVAL
    return f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"


def count_table(sheet: Sheet, count: Differential, reviewed: Differential | None = None) -> None:
    """A row a class: number, share as found and as corrected, with 95 % intervals; then what is beside the count."""
    sheet.line_of(count.words, 9, gap=1.5)
    heads = ["Class", "Cells", "As found (95 %)", "Corrected (95 %)"] + ["After review (95 %)"] * (reviewed is not None)
    widths = [44.0, 16.0] + [(WIDTH - 62.0) / (len(heads) - 2)] * (len(heads) - 2)
    sheet.ink(8, GREY, bold=True)
    for width, text in zip(widths, heads, strict=True):
        sheet.cell(width, 5, text, align="L" if text == "Class" else "R")
    sheet.ln(5.5)
    found = {row.class_: row for row in count.rows}
    for at, row in enumerate((reviewed or count).rows):  # experts may name classes that the model does not know
        sheet.need(6)
        if at % 2 == 0:
            sheet.bar(MARGIN, sheet.get_y(), WIDTH, 5.6, PALE)
        own = found.get(row.class_, ClassCount(row.class_, 0, None, None))
        texts = [str(own.number), told(own.raw), told(own.corrected)] + [told(row.raw)] * (reviewed is not None)
        sheet.ink(8.5)
        sheet.set_x(MARGIN + 1.5)
        sheet.cell(widths[0] - 1.5, 5.6, shortened_to(sheet, name_of(row.class_), widths[0] - 3))
        for width, text in zip(widths[1:], texts, strict=True):
            sheet.cell(width, 5.6, text, align="R")
        sheet.ln(5.6)
    sheet.ln(1.5)
    sheet.line_of(count.correction, 8.5, GREY)
    if reviewed is not None:
        sheet.line_of(f"After review, an expert's word counts in the place of the model's. {reviewed.words}", 8.5, GREY)


def count_chart(sheet: Sheet, count: Differential) -> None:
    """The shares as points with whiskers, found above corrected; many classes in parts that each fit on a page."""
    if not count.counted:
        return
    top_share = max(share.high for row in count.rows for share in (row.raw, row.corrected) if share is not None)
    between = 0.1 if top_share <= 0.5 else 0.2
    top_share = min(1.0, math.ceil(top_share / between) * between)
    ticks = [at * between for at in range(round(top_share / between) + 1)]
    for first in range(0, len(count.rows), TOGETHER):
        _part(sheet, count.rows[first : first + TOGETHER], ticks, top_share)
        legend = [("● as found  ", WARM), ("● corrected", ACCENT)]
        for text, colour in legend if count.corrected else legend[:1]:
            sheet.ink(7.5, colour)
            sheet.cell(sheet.get_string_width(text) + 2, 4, text)
        sheet.ln(6)


def _part(sheet: Sheet, rows: Sequence[ClassCount], ticks: Sequence[float], top_share: float) -> None:
    """Some classes and the axis under them; the pen is then where the legend begins."""
    step, label, wide = 9.0, 44.0, WIDTH - 44.0 - 6  # mm
    sheet.need(step * len(rows) + 16)
    sheet.ln(4)
    y0, left = sheet.get_y(), MARGIN + label
    for tick in ticks:
        x = left + wide * tick / top_share
        sheet.set_draw_color(*LINE)
        sheet.set_line_width(0.2)
        sheet.line(x, y0, x, y0 + step * len(rows))
        sheet.ink(7, GREY)
        sheet.set_xy(x - 8, y0 + step * len(rows) + 0.5)
        sheet.cell(16, 3.5, f"{100 * tick:.3g} %", align="C")
    for at, row in enumerate(rows):
        middle = y0 + step * (at + 0.5)
        sheet.set_xy(MARGIN, middle - 2.5)
        sheet.ink(8.5)
        sheet.cell(label - 3, 5, shortened_to(sheet, name_of(row.class_), label - 4), align="R")
        for share, offset, colour in ((row.raw, -1.5, WARM), (row.corrected, 1.5, ACCENT)):
            if share is None:
                continue
            low, high = (left + wide * end / top_share for end in (share.low, share.high))
            sheet.whisker(low, high, middle + offset, colour)
            sheet.set_fill_color(*colour)
            sheet.circle(left + wide * share.value / top_share, middle + offset, 0.9, style="F")
    sheet.set_xy(left, y0 + step * len(rows) + 4.5)

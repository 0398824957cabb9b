"""Reports as PDF: of one reading, of a batch or a field with its differential count.

The same input gives the same bytes, `made_at` among it. Letters that the embedded font lacks are printed as a mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.environment import code_version
from core.prediction.count import Differential
from core.prediction.report_count import count_chart, count_table
from core.prediction.report_facts import Reported, Section, card_sections, limits
from core.prediction.report_page import GREY, Sheet
from core.prediction.report_parts import checks, facts_of, findings, probabilities, review
from core.prediction.report_table import refused_table, table


def reading_report(
    item: Reported, card: Mapping[str, Any] | None = None, *, made_at: datetime | None = None,
    software: str | None = None,
) -> bytes:  # fmt: skip
    """A report of one reading.

    Args:
        card: facts of the model card, in sections or not; None where there is none.
        made_at: printed, and kept in the file; now by default.
        software: its version; that of the code by default.
    """
    sheet = Sheet(f"Reading of {item.name}", made_at or datetime.now(UTC))
    findings(sheet, item)
    review(sheet, item.review)
    probabilities(sheet, item.reading)
    checks(sheet, item.reading)
    _pictures(sheet, item.more)
    sheet.section("On record", least=40)
    sheet.pairs([*facts_of(item), ("Software", software or f"CellAscent, {code_version()}")])
    _end(sheet, card, limits(item.reading))
    return bytes(sheet.output())


def batch_report(
    title: str, items: Sequence[Reported], count: Differential, card: Mapping[str, Any] | None = None, *,
    reviewed: Differential | None = None, facts: Sequence[tuple[str, str]] = (),
    refused: Iterable[tuple[str, str]] = (), picture: bytes | None = None, made_at: datetime | None = None,
    software: str | None = None,
) -> bytes:  # fmt: skip
    """A report of a batch or a field: the count, then every reading in the order given, a row each.

    Args:
        reviewed: the count with what experts said in the place of what the model said; None where nobody did.
        facts: labels and what they say of the whole, such as its id.
        refused: files that could not be read, each with its sentence.
        picture: a JPEG of the whole field.
    """
    sheet = Sheet(title, made_at or datetime.now(UTC))
    refused = list(refused)
    sheet.line_of(title, 16, bold=True, gap=2)
    sheet.pairs([*facts, ("Files refused", str(len(refused))),
                 ("Reviewed by an expert", f"{sum(item.review is not None for item in items)} of {len(items)}"),
                 ("Software", software or f"CellAscent, {code_version()}")])  # fmt: skip
    if picture is not None:
        sheet.need(110)
        sheet.set_y(sheet.get_y() + sheet.picture(picture, sheet.l_margin, sheet.get_y() + 2, 100, title) + 4)
    sheet.section("Differential count", least=60)
    count_table(sheet, count, reviewed)
    count_chart(sheet, count)
    sheet.section("Readings", least=40)
    table(sheet, items)
    if refused:
        sheet.section("Files that were refused")
        refused_table(sheet, refused)
    _end(sheet, card, limits(items[0].reading if items else None))
    return bytes(sheet.output())


def _pictures(sheet: Sheet, more: Sequence[tuple[str, bytes]]) -> None:
    """Other pictures, two in a row, each over its caption."""
    if not more:
        return
    side, step = 70.0, 92.0  # mm
    sheet.section("Where the network looked", least=side + 20)
    for start in range(0, len(more), 2):
        sheet.need(side + 14)
        top, lowest = sheet.get_y(), sheet.get_y()
        for at, (caption, jpeg) in enumerate(more[start : start + 2]):
            left = sheet.l_margin + at * step
            height = sheet.picture(jpeg, left, top, side, caption)
            sheet.set_xy(left, top + height + 1)
            sheet.caption(caption, step - 6)
            lowest = max(lowest, sheet.get_y())
        sheet.set_y(lowest + 3)


def _end(sheet: Sheet, card: Mapping[str, Any] | None, sentences: Sequence[str]) -> None:
    """The model card and the limits."""
    sheet.section("Model card")
    parts: list[Section] = [] if card is None else card_sections(card)
    if not parts:
        sheet.line_of("There is no card of this model.", 8.5, GREY)
    for name, rows in parts:
        sheet.need(14)
        sheet.line_of(name, 9, bold=True, gap=0.8)
        sheet.pairs(rows)
        sheet.ln(1)
    sheet.section("Limits", least=30)
    for sentence in sentences:
        sheet.line_of(sentence, 8.5, gap=0.8)

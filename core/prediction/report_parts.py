"""The parts of a report that say one reading: decision, review, probabilities, checks, what is on record."""

from __future__ import annotations

from fpdf.enums import XPos, YPos

from core.prediction.reading import FLAG_LABELS, REFER, SET, Flag, Reading, name_of
from core.prediction.reading_words import RESULTS, sets_words, watch_words
from core.prediction.report_facts import Reported, Review
from core.prediction.report_page import (
    ACCENT,
    BAD,
    GREY,
    INK,
    LINE,
    MARGIN,
    PALE,
    WARM,
    WIDTH,
    Colour,
    Sheet,
    printable,
    shortened,
    utc,
)
from core.prediction.wording import percent

PICTURE = 62.0  # mm
TOGETHER = 20  # classes of a chart that are kept on one page; more of them go on over the next ones
DECIDED = {
    "flag": "a check of the image", "blast flag": "the watch on blasts", "prediction set": "the prediction set",
    "highest probability": "the highest probability",
}  # fmt: skip


def colour_of(reading: Reading) -> Colour:
    """Of the decision's words: whether an expert has to look."""
    if reading.decision.kind == REFER:
        return BAD
    return WARM if reading.decision.kind == SET or (reading.blast is not None and reading.blast.raised) else INK


def findings(sheet: Sheet, item: Reported) -> None:
    """The image, and beside it the decision in large words with its reasons."""
    reading, top = item.reading, sheet.get_y()
    left, low = MARGIN, top
    if item.picture is not None:
        low = top + sheet.picture(item.picture, MARGIN, top, PICTURE, item.name)
        sheet.set_xy(MARGIN, low + 1)
        sheet.caption(f"{reading.width} x {reading.height} px", PICTURE)
        low, left = sheet.get_y(), MARGIN + PICTURE + 8
    wide = MARGIN + WIDTH - left
    sheet.set_xy(left, top)

    def say(text: str, size: float, colour: Colour = INK, *, bold: bool = False) -> None:
        sheet.ink(size, colour, bold=bold)
        sheet.multi_cell(wide, size * 0.47, printable(text), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
        sheet.set_xy(left, sheet.get_y() + 1)

    by = reading.decision.decided_by
    say(shortened(item.name, 200), 9, GREY)
    say(reading.decision.words, 20, colour_of(reading), bold=True)
    say(f"Decided by {DECIDED.get(by, by)}.", 9, GREY)
    for reason in reading.decision.reasons:
        say(reason, 9.5)
    best = float(reading.probabilities.max())
    say(
        f"Most probable: {name_of(reading.best)}, {percent(best)}{'' if reading.calibrated else ' (not calibrated)'}.",
        9.5,
    )
    if reading.blast is not None:
        say(watch_words(reading.blast), 9.5, BAD if reading.blast.raised else INK)
    sheet.set_y(max(low, sheet.get_y()) + 2)


def review(sheet: Sheet, said: Review | None) -> None:
    """Who looked at it, and what they said, in a frame."""
    if said is None:
        text, colour = "Not reviewed by an expert.", GREY
    else:
        who = said.reviewed_by or "an expert whose name is not known"
        text, colour = f"Reviewed by {who}, {utc(said.at)}: {said.words}.", ACCENT
        if said.note:
            text += f" Note: {said.note}"
    sheet.ink(9, colour, bold=said is not None)
    sheet.set_fill_color(*PALE)
    sheet.set_x(MARGIN)
    sheet.multi_cell(WIDTH, 4.6, printable(text), align="L", fill=True, padding=2,
                     new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # fmt: skip


def probabilities(sheet: Sheet, reading: Reading) -> None:
    """A bar a class, the highest first; classes of the prediction set are marked."""
    step, label, bar = 5.6, 48.0, 84.0  # mm
    sheet.section("Probabilities", least=step * min(len(reading.classes), TOGETHER) + 14)
    for at in (-reading.probabilities).argsort(kind="stable"):
        sheet.need(step)
        name, share, y = reading.classes[at], float(reading.probabilities[at]), sheet.get_y()
        member = name in reading.prediction_set
        sheet.ink(9, bold=member)
        sheet.set_x(MARGIN)
        sheet.cell(label, step, shortened_to(sheet, name_of(name), label - 2))
        sheet.bar(MARGIN + label, y + 1.2, bar, step - 2.4, PALE)
        sheet.bar(MARGIN + label, y + 1.2, max(0.2, bar * share), step - 2.4, ACCENT if member else LINE)
        sheet.set_x(MARGIN + label + bar + 3)
        sheet.cell(16, step, percent(share), align="R")
        sheet.ink(8, ACCENT)
        sheet.cell(0, step, "  in the set" if member else "", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(1)
    if reading.calibrated:
        members = ", ".join(map(name_of, reading.prediction_set)) or "no class"
        sheet.line_of(f"Prediction set: {members}. {sets_words(reading.coverage)}", 8.5, GREY)
    else:
        sheet.line_of("Not calibrated: there is no prediction set.", 8.5, GREY)


def checks(sheet: Sheet, reading: Reading) -> None:
    """The checks of the image, each with its reason."""
    sheet.section("Checks of the image")
    if not reading.flags:
        sheet.line_of("No check of the image was made.", 8.5, GREY)
    for flag in reading.flags:
        word, colour = _standing(flag)
        sheet.ink(8.5)
        sheet.need(sheet.height_of(printable(flag.reason), WIDTH - 74, 4.3))
        top = sheet.get_y()
        sheet.set_x(MARGIN)
        sheet.cell(48, 4.3, shortened_to(sheet, FLAG_LABELS.get(flag.name, name_of(flag.name)), 46))
        sheet.ink(8.5, colour, bold=bool(flag.raised))
        sheet.cell(26, 4.3, word)
        sheet.ink(8.5)
        sheet.set_xy(MARGIN + 74, top)
        sheet.multi_cell(WIDTH - 74, 4.3, printable(flag.reason), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        sheet.ln(0.8)


def facts_of(item: Reported) -> list[tuple[str, str]]:
    """What is on record of a reading."""
    reading = item.reading
    rows = [
        ("Reading", item.reading_id or "not on record"),
        ("Read at", utc(item.at)),
        ("File", item.name),
        ("Image, SHA-256", reading.image_sha256),
        ("Model", f"{reading.model_id} on {reading.runtime}"),
        ("Weights, SHA-256", reading.weights_sha256),
        ("Temperature", f"{reading.temperature:.4g}" if reading.calibrated else "none (not calibrated)"),
    ]
    if item.box is not None:
        rows.insert(3, ("Cell in the field (px)", "x {:.0f}, y {:.0f}, {:.0f} wide, {:.0f} high".format(*item.box)))
    return rows


def shortened_to(sheet: Sheet, text: str, width: float) -> str:
    """As much of a text as is `width` mm wide in the present font, its middle left out."""
    said = shortened(printable(text), 200)
    if sheet.get_string_width(said) <= width:
        return said
    keep = len(said)
    while keep > 2:
        keep -= max(1, keep // 12)
        head = keep * 2 // 3
        short = f"{said[:head]}…{said[len(said) - (keep - head) :]}"
        if sheet.get_string_width(short) <= width:
            return short
    return "…"


def _standing(flag: Flag) -> tuple[str, Colour]:
    if flag.raised is None:
        return RESULTS[None], GREY
    return RESULTS[flag.raised], BAD if flag.raised else INK

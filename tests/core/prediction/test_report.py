"""Reports as PDF: what is printed on which page, whatever the names are."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from fpdf import FPDF

from core.prediction.count import differential, reviewed, reviewed_count
from core.prediction.reading import FLAG_LABELS, BlastFlag, Decision, Flag, Reading, decide
from core.prediction.report import batch_report, reading_report
from core.prediction.report_facts import Reported, Review, card_sections
from core.prediction.report_page import NOTICE, UNKNOWN, printable, shortened
from core.prediction.thumbnail import small_jpeg

CLASSES = ("basophil", "monocyte", "myeloblast")
AT = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)
CARD = {"name": "Demonstration", "data": {"images": 1190, "sources": ["one hospital", "another"], "date": None}}

Printed = dict[int, list[str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Every text that is written, by page."""
    found: Printed = defaultdict(list)
    cell, multi_cell = FPDF.cell, FPDF.multi_cell

    def one(self: FPDF, w: object = None, h: object = None, text: str = "", *rest: object, **named: object) -> object:
        found[self.page].append(text)
        return cell(self, w, h, text, *rest, **named)

    def several(self: FPDF, w: object, h: object = None, text: str = "", *rest: object, **named: object) -> object:
        if not named.get("dry_run"):
            found[self.page].append(text)
        return multi_cell(self, w, h, text, *rest, **named)

    monkeypatch.setattr(FPDF, "cell", one)
    monkeypatch.setattr(FPDF, "multi_cell", several)
    return found


def reading(at: int = 0, *, blurred: bool = False, calibrated: bool = True) -> Reading:
    p = np.random.default_rng(at).dirichlet([0.3] * 3)
    members = tuple(CLASSES[index] for index in np.argsort(-p) if p[index] > 0.1)
    flags = tuple(Flag(name, name == "blur" and blurred, f"{label}: within what is usual.") for name, label in
                  FLAG_LABELS.items())  # fmt: skip
    blast = BlastFlag("myeloblast", bool(p[2] > 0.05), float(p[2]), 0.05, 0.97, 40) if calibrated else None
    decision = decide(CLASSES, p, members if calibrated else None, flags, blast)
    return Reading(
        "s-1.final-1", "torch", "ab" * 32, f"{at:02x}" * 32, 40, 36, CLASSES, p, p, calibrated, 1.4,
        p if calibrated else np.empty(0), members if calibrated else (), dict.fromkeys(CLASSES, 0.95), flags, blast,
        decision, {},
    )  # fmt: skip


def picture(at: int = 0) -> bytes:
    return small_jpeg(np.random.default_rng(at).integers(0, 255, (36, 40, 3), dtype=np.uint8))


def pages_of(pdf: bytes) -> int:
    assert pdf.startswith(b"%PDF-")
    return len(re.findall(rb"/Type /Page\b", pdf))


def on(printed: Printed) -> str:
    return "\n".join(text for texts in printed.values() for text in texts)


def test_a_reading_is_told_whole(printed: Printed):
    item = Reported("cell.png", reading(1, blurred=True), "r-17", AT, picture(),
                    (("Activation map: coarse, no proof.", picture(2)),),
                    Review("correct", "monocyte", "Kidney-shaped nucleus.", "Dr. Müller", AT))  # fmt: skip
    pdf = reading_report(item, CARD, made_at=AT, software="CellAscent, version 9")
    text = on(printed)
    for part in (
        "Refer to an expert", "Activation map: coarse, no proof.", "r-17", "01" * 32, "ab" * 32,
        "Reviewed by Dr. Müller, 2026-11-30 08:30:00 UTC: corrected to monocyte. Note: Kidney-shaped nucleus.",
        "CellAscent, version 9", "one hospital, another", "not known", "It is no diagnosis",
        "Such sets hold the true class of at least 95.0% of new images of each class, on average",
        "Watch on myeloblast", "uncalibrated probability", "not raised",
    ):  # fmt: skip
        assert part in text, part
    assert "raised" in text
    assert "passed" not in text
    assert pages_of(pdf) == len(printed)
    for number, texts in printed.items():
        assert texts.count(NOTICE) == 2, "head and foot"
        assert f"Page {number} of {{nb}}" in texts


def test_without_calibration_review_and_card_it_says_so(printed: Printed):
    reading_report(Reported("cell.png", reading(1, calibrated=False)), made_at=AT)
    text = on(printed)
    for part in ("Not calibrated: there is no prediction set.", "Not reviewed by an expert.", "not on record",
                 "There is no card of this model.", "(not calibrated)"):  # fmt: skip
        assert part in text


def test_the_same_input_gives_the_same_bytes():
    item = Reported("cell.png", reading(1), "r-17", AT, picture())
    one, two = (reading_report(item, CARD, made_at=AT, software="x") for _ in range(2))
    assert one == two
    assert one != reading_report(item, CARD, made_at=AT.replace(minute=31), software="x")


NAMES = (
    "", " ", "a" * 2000, "血液涂片.png", "مسحة الدم.png", "\x00\x1b[31mred\r\nline.png", "🩸" * 40, "e\u0301" * 30,
    "\u202egnp.exe", "a\ud800b.png",
    "**bold** __under__ {nb}.png", "W" * 300, "../../../etc/passwd", "<b>&amp;</b>", "\u200b" * 50,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_breaks_a_report(name: str):
    items = [Reported(name, reading(at), name or None, None, None, review=Review("correct", name or "x", name, name))
             for at in range(2)]  # fmt: skip
    count = differential(CLASSES, [item.reading.decision for item in items])
    assert pages_of(reading_report(items[0], {name: name, "part": {name: [name]}}, made_at=AT, software=name)) >= 1
    pdf = batch_report(name, items, count, facts=[(name, name)], refused=[(name, name)], made_at=AT, software=name)
    assert pages_of(pdf) >= 1


def test_letters_that_the_font_lacks_are_seen():
    assert printable("血.png") == f"{UNKNOWN}.png"
    assert printable("Müller, Größe, Кровь, αβγ") == "Müller, Größe, Кровь, αβγ"
    assert printable("a\nb\x00c") == "a b c"
    assert printable("e\u0301") == "é"
    assert printable("\u202egnp.exe") == "gnp.exe"
    assert shortened("abcdefghij.png", 8) == "abcd…png"


def test_a_batch_has_its_count_and_every_reading(printed: Printed):
    items = [Reported(f"cell-{at}.png", reading(at), f"r-{at}", AT, picture(at),
                      review=Review("correct", "lymphocyte", "", "Dr. Müller", AT) if at == 0 else None)
             for at in range(40)]  # fmt: skip
    decisions = [item.reading.decision for item in items]
    count = differential(CLASSES, decisions, np.eye(3) * 30 + 1)
    after = reviewed_count(CLASSES, [reviewed(one, "correct" if at == 0 else None, "lymphocyte")
                                     for at, one in enumerate(decisions)])  # fmt: skip
    refused = [("bad.png", "bad.png is empty (0 bytes); copy or export it again.")]
    pdf = batch_report("Batch b-7", items, count, CARD, reviewed=after, facts=[("Batch", "b-7")], refused=refused,
                       made_at=AT)  # fmt: skip
    text = on(printed)
    assert count.words in text
    for row in count.rows:
        assert row.raw is not None
        assert f"{100 * row.raw.value:.1f} % ({100 * row.raw.low:.1f} to {100 * row.raw.high:.1f})" in text
    for at in range(40):
        assert f"cell-{at}.png" in text
        assert f"r-{at}" in text
    for part in ("As found (95 %)", "Corrected (95 %)", "After review (95 %)", "lymphocyte", "bad.png is empty",
                 "images of its test split", "1 of 40", "corrected to lymphocyte"):  # fmt: skip
        assert part in text
    assert pages_of(pdf) == len(printed) > 2
    assert len(pdf) < 300_000


def test_a_model_of_many_classes_has_a_report_of_few_pages(printed: Printed):
    classes = tuple(f"class_{at:02d}" for at in range(50))
    p = np.full(50, 0.02)
    one = replace(reading(1), classes=classes, probabilities=p, raw=p, p_values=p, coverage=dict.fromkeys(classes, 0.9),
                  prediction_set=classes[:1], decision=Decision("class", classes[:1], "prediction set"))  # fmt: skip
    count = differential(classes, [Decision("class", (name,), "prediction set") for name in classes])
    whole = batch_report("Batch b-50", [Reported("cell.png", one)], count, made_at=AT)
    assert pages_of(whole) <= 7
    text = on(printed)
    assert text.count("● as found") == 3
    assert text.count("class 49") >= 2, "in the table and in the chart"
    printed.clear()
    assert pages_of(reading_report(Reported("cell.png", one, picture=picture()), made_at=AT)) <= 4
    assert any("Decided by" in line and "Probabilities" in texts for texts in printed.values() for line in texts)


def test_a_batch_says_what_nothing_vouches_for(printed: Printed):
    one = replace(reading(1, calibrated=False), flags=(Flag("blur", None, "Unknown."),))
    batch_report("Batch b-1", [Reported("cell.png", one)], differential(CLASSES, [one.decision]), made_at=AT)
    assert "Not calibrated, 1 check not made" in on(printed).replace("\n", " ")


def test_an_empty_batch_has_a_report(printed: Printed):
    batch_report("Batch b-0", [], differential(CLASSES, []), made_at=AT)
    assert "Nothing was read." in on(printed)
    assert "No errors of this model are known" in on(printed)


def test_a_card_of_any_shape_is_told():
    sections = dict(
        card_sections({"a_b": True, "part": {"x": 0.97312, "y": None, "z": [1, 2], "w": {"k": 23_800_000}}})
    )
    assert sections["Model"] == [("A b", "yes")]
    assert sections["Part"] == [("X", "0.9731"), ("Y", "not known"), ("Z", "1, 2"), ("W", "K: 23,800,000")]

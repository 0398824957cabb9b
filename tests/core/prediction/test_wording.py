"""Shares in words: what is uncertain, and what is vouched for."""

from pathlib import Path

import numpy as np

from core.prediction.predict_command import words_of
from core.prediction.reading import BlastFlag, Reading, decide
from core.prediction.wording import at_least, percent


def test_no_probability_is_printed_as_a_certainty_and_nothing_vouched_for_is_rounded_up():
    assert [percent(share) for share in (0.0, 0.0001, 0.1234, 0.99961, 1.0)] == [
        "0.0%", "<0.1%", "12.3%", ">99.9%", "100.0%",
    ]  # fmt: skip
    assert [at_least(share) for share in (0.95, 40 / 41, 0.9)] == ["95.0%", "97.5%", "90.0%"]
    assert [at_least(share) for share in (0.9375, 0.968, 0.99999)] == ["93.7%", "96.8%", "99.9%"]
    assert at_least(0.29) == "29.0%"  # which binary fractions make 28.999...


def test_the_terminal_rounds_as_the_report_does():
    classes, sure = ("lymphocyte", "myeloblast"), np.array([1 - 1e-8, 1e-8])
    reading = Reading(
        "s.00", "torch", "w", "i", 10, 10, classes, sure, sure, True, 1.0, np.array([0.5, 0.01]), classes[:1],
        dict.fromkeys(classes, 0.9375), (), BlastFlag("myeloblast", False, 1e-8, 0.05, 0.968, 62),
        decide(classes, sure, classes[:1], (), None), {},
    )  # fmt: skip
    said = words_of(Path("cell.png"), reading, "")
    assert ">99.9%" in said
    assert "<0.1%" in said
    assert "finds at least 96.8% of new ones" in said

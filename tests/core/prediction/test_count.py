"""The differential count against hand-made counts, statsmodels, a grid, and simulated batches."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from statsmodels.stats.proportion import multinomial_proportions_confint, proportion_confint

from core.evaluation.intervals import wilson
from core.prediction.count import Differential, correct, differential, known_errors, reviewed, reviewed_count
from core.prediction.reading import Decision

CLASSES = ("basophil", "monocyte", "myeloblast")


def decided(*numbers: int, undecided: int = 0, referred: int = 0, classes: Sequence[str] = CLASSES) -> list[Decision]:
    found = [Decision("class", (name,), "x") for name, n in zip(classes, numbers, strict=True) for _ in range(n)]
    return (
        found
        + [Decision("set", tuple(classes[:2]), "x")] * undecided
        + [Decision("refer", (), "flag", ("Blurred.",))] * referred
    )


def raw(count: Differential) -> list[float]:
    return [row.raw.value for row in count.rows if row.raw]


def corrected(count: Differential) -> list[float]:
    return [row.corrected.value for row in count.rows if row.corrected]


def test_what_is_not_one_class_is_counted_apart():
    count = differential(CLASSES, decided(6, 3, 1, undecided=2, referred=5))
    assert [row.number for row in count.rows] == [6, 3, 1]
    assert raw(count) == [0.6, 0.3, 0.1]
    assert (count.read, count.counted, count.undecided, count.referred) == (17, 10, 2, 5)
    assert "Of 17 cells read, 10 were counted; 2 left open between two classes and 5 referred" in count.words


def test_raw_intervals_are_those_of_statsmodels():
    numbers = (150, 48, 2)
    count = differential(CLASSES, decided(*numbers))
    for row, number in zip(count.rows, numbers, strict=True):
        assert row.raw is not None
        expected = proportion_confint(number, 200, 0.05, method="wilson")
        assert (row.raw.low, row.raw.high) == pytest.approx(expected, abs=1e-12)
    # what the module says of all classes at once
    together = [wilson(number, 200, 1 - 0.05 / 3) for number in numbers]
    assert np.asarray(together) == pytest.approx(multinomial_proportions_confint(numbers, 0.05, "goodman"), abs=1e-9)


def test_two_classes_are_corrected_as_rogan_and_gladen_do():
    """Sensitivity 0.9, specificity 0.8, found 0.41: (0.41 + 0.8 - 1) / (0.9 + 0.8 - 1) = 0.3."""
    count = differential(
        ("sick", "well"), decided(41, 59, classes=("sick", "well")), [[90, 10, 7], [20, 80, 50]], seed=3
    )
    assert corrected(count) == pytest.approx([0.3, 0.7], abs=1e-6)
    assert count.images == 200  # the undecided columns do not count
    below = differential(("sick", "well"), decided(10, 90, classes=("sick", "well")), [[90, 10], [20, 80]])
    assert corrected(below) == pytest.approx([0.0, 1.0], abs=1e-9)  # theirs would be below 0


def test_three_classes_by_hand():
    """50, 30 and 20 true cells, a fifth of the monocytes called basophils: 56, 24 and 20 are found."""
    matrix = [[40, 0, 0], [8, 32, 0], [0, 0, 40]]
    count = differential(CLASSES, decided(56, 24, 20), matrix)
    assert corrected(count) == pytest.approx([0.5, 0.3, 0.2], abs=1e-6)
    for row in count.rows:
        assert row.corrected is not None
        assert row.corrected.low < row.corrected.value < row.corrected.high


def test_a_perfect_model_leaves_the_count_as_it_is():
    count = differential(CLASSES, decided(70, 25, 5), np.eye(3) * 50)
    assert corrected(count) == pytest.approx(raw(count), abs=1e-9)
    few = differential(CLASSES, decided(70, 25, 5), np.eye(3) * 5)
    widths = [[row.corrected.high - row.corrected.low for row in one.rows if row.corrected] for one in (count, few)]
    assert all(wide > narrow for narrow, wide in zip(*widths, strict=True))  # fewer known images vouch for less


def test_a_class_of_which_nothing_was_seen_has_a_width():
    count = differential(CLASSES, decided(100, 100, 0), np.eye(3) * 50)
    row = count.rows[2]
    assert row.raw is not None
    assert row.corrected is not None
    assert row.raw.value == row.raw.low == row.corrected.low == 0
    assert row.raw.high > 0
    assert row.corrected.high > 0


def test_the_correction_is_the_best_on_a_grid_of_the_simplex():
    rates = np.array([[0.7, 0.2, 0.1], [0.25, 0.7, 0.05], [0.0, 0.3, 0.7]])
    steps = np.linspace(0, 1, 101)
    grid = np.array([(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1 + 1e-9])
    for found in ([0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [0.0, 0.2, 0.8]):
        misfit = ((grid @ rates - found) ** 2).sum(axis=1)
        solution = correct(found, rates)
        assert solution.sum() == pytest.approx(1)
        assert ((solution @ rates - found) ** 2).sum() <= misfit.min() + 1e-9
        assert solution == pytest.approx(grid[misfit.argmin()], abs=0.02)


def test_of_a_biased_model_the_corrected_count_is_nearer_the_truth():
    truth = np.array([0.05, 0.75, 0.2])
    rates = np.array([[0.95, 0.04, 0.01], [0.2, 0.78, 0.02], [0.02, 0.1, 0.88]])
    rng = np.random.default_rng(5)
    raw_error, corrected_error, held, batches = 0.0, 0.0, 0, 12
    for _ in range(batches):
        matrix = np.stack([rng.multinomial(60, row) for row in rates])
        count = differential(CLASSES, decided(*rng.multinomial(200, truth @ rates)), matrix)
        raw_error += np.abs(np.array(raw(count)) - truth).sum()
        corrected_error += np.abs(np.array(corrected(count)) - truth).sum()
        held += sum(row.corrected.low <= true <= row.corrected.high for row, true in zip(count.rows, truth, strict=True)
                    if row.corrected)  # fmt: skip
    assert corrected_error < 0.6 * raw_error
    assert held >= 0.88 * batches * 3


def test_without_known_errors_nothing_is_corrected():
    for errors, why in (
        (None, "No errors of this model are known"),
        ([[5, 0, 0], [0, 0, 0], [0, 0, 9]], "No image of monocyte was decided"),
        ([[5, 5, 0], [5, 5, 0], [0, 0, 9]], "tells some classes apart too badly"),
    ):
        count = differential(CLASSES, decided(4, 3, 3), errors)
        assert why in count.problem
        assert not count.corrected
        assert corrected(count) == []
        assert raw(count) == [0.4, 0.3, 0.3]
        assert count.images == 0


def test_a_batch_without_a_decided_cell_has_no_shares():
    count = differential(CLASSES, decided(0, 0, 0, referred=4), np.eye(3) * 9)
    assert [row.raw for row in count.rows] == [None] * 3
    assert "No cell was counted" in count.problem
    assert count.referred == 4


def test_errors_are_counted_by_what_was_decided():
    decisions = [*decided(1, 1, 0), Decision("set", CLASSES[:2], "x"), Decision("refer", (), "flag")]
    matrix = known_errors(CLASSES, ("basophil", "basophil", "monocyte", "myeloblast"), decisions)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    with pytest.raises(ValueError, match="platelet is not a class"):
        known_errors(CLASSES, ("platelet",), decided(1, 0, 0))


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="platelet is not a class"):
        differential(CLASSES, [Decision("class", ("platelet",), "x")])
    with pytest.raises(ValueError, match="errors must be"):
        differential(CLASSES, decided(1, 1, 1), np.eye(2))


def test_the_same_count_says_the_same_and_goes_into_json():
    one, two = (differential(CLASSES, decided(9, 5, 1, referred=2), np.eye(3) * 20 + 1) for _ in range(2))
    assert one == two
    told = json.loads(json.dumps(one.to_json()))
    assert told["rows"][1]["class"] == "monocyte"
    assert told["rows"][1]["raw"]["value"] == pytest.approx(1 / 3)
    assert (told["read"], told["referred"]) == (17, 2)


def test_after_review_an_experts_word_counts():
    decisions = [*decided(2, 1, 0, undecided=1), Decision("refer", (), "flag")]
    verdicts = (("confirm", "basophil"), ("correct", "lymphocyte"), (None, None), ("confirm", "monocyte"),
                ("refer", None))  # fmt: skip
    after = [reviewed(one, *verdict) for one, verdict in zip(decisions, verdicts, strict=True)]
    count = reviewed_count(CLASSES, after)
    assert {row.class_: row.number for row in count.rows} == {
        "basophil": 1, "monocyte": 2, "myeloblast": 0, "lymphocyte": 1,
    }  # fmt: skip
    assert (count.counted, count.undecided, count.referred) == (4, 0, 1)

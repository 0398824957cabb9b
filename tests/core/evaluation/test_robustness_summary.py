"""What confusion matrices of shifted images come to, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.intervals import wilson
from core.evaluation.robustness_summary import (
    BASE,
    Matrices,
    breaks,
    cannot_break,
    headline,
    rates,
    reproduced,
    sentences,
    swallowed,
    under_shift,
)
from core.evaluation.shifts import SEVERITIES, SHIFTS

NAMES = ["a", "b"]


def two(right_a: int, right_b: int, n: int = 50) -> np.ndarray:
    return np.array([[right_a, n - right_a], [n - right_b, right_b]])


def whole(lines: dict[str, list[tuple[int, int]]], base: tuple[int, int] = (50, 50), n: int = 50) -> Matrices:
    """Matrices of a base and of shifts, each with its right ones at severities 1 to 5."""
    found = {BASE: two(*base, n)}
    for shift, line in lines.items():
        found |= {(shift, severity): two(*right, n) for severity, right in zip(SEVERITIES, line, strict=False)}
    return found


def test_rates_are_told_unchanged_first_then_in_the_order_of_the_shifts():
    found = rates(whole({"jpeg": [(40, 50)], "stain": [(10, 49)]}), NAMES)
    assert [(one.shift, one.severity, one.class_) for one in found] == [
        (shift, severity, name)
        for shift, severity in (("none", 0), ("stain", 1), ("jpeg", 1))
        for name in (None, "a", "b")
    ]
    stain, a, b = found[3:6]
    assert (stain.right, stain.n, stain.value) == (59, 100, 0.59)
    assert (stain.low, stain.high) == wilson(59, 100)
    assert (a.value, b.value) == (0.2, 0.98)


def test_the_mean_is_over_whole_shifts_alone():
    matrices = whole({"stain": [(50, 50), (40, 50), (30, 50), (20, 50), (10, 50)], "hue": [(0, 0)] * 4})
    found = under_shift(matrices)
    assert found is not None
    assert found.shifts == ("stain",)
    assert found.mean == pytest.approx((1 + 0.9 + 0.8 + 0.7 + 0.6) / 5)
    assert (found.low, found.high) == wilson(80, 100)  # as if there were one condition
    assert (found.unchanged.value, found.images) == (1.0, (100, 100))
    assert headline(found).startswith(
        "Mean accuracy under shift 0.8000 (95 % interval 0.7112 to 0.8666; 1 of 12 shifts"
    )
    assert under_shift(whole({"hue": [(0, 0)] * 4})) is None
    assert under_shift({}) is None
    assert under_shift({key: matrix for key, matrix in matrices.items() if key != BASE}) is None


def test_the_interval_of_the_mean_is_at_least_as_wide_as_for_any_dependence():
    rng = np.random.default_rng(0)
    for _ in range(50):  # all conditions fail on the same images: the most dependent that they can be
        shares = rng.uniform(0.3, 1, 5)
        n = 200
        spread = np.mean(np.sqrt(shares * (1 - shares) / n))
        line = [(round(n * share), round(n * share)) for share in shares]
        found = under_shift(whole({"stain": line}, (n, n), n))
        assert found is not None
        # n of each of two classes here, so that 2 n images stand behind each share
        assert (found.high - found.low) / 2 >= 0.98 * 1.96 * spread / np.sqrt(2)


def test_a_class_breaks_where_it_falls_below_the_share_and_the_intervals_part():
    matrices = whole({"stain": [(50, 50), (45, 50), (41, 50), (39, 50), (20, 50)], "jpeg": [(50, 50)] * 5})
    by = {(one.class_, one.shift): one for one in breaks(matrices, NAMES)}
    # 41 of 50 is above 0.8 times 1; 39 is below, and its interval ends at 0.8724, where that of 50 begins at 0.9287
    assert by["a", "stain"].severity == 4
    assert by["a", "stain"].at is not None
    assert by["a", "stain"].at.right == 39
    assert by["a", "stain"].lowest.right == 20
    assert (by["a", "jpeg"].severity, by["b", "stain"].severity) == (None, None)
    # With a tenth of the images 4 of 5 is no evidence, and not even 2 of 5 is.
    few = whole({"stain": [(4, 5), (3, 5), (2, 5), (1, 5), (0, 5)]}, (5, 5), 5)
    assert {one.class_: one.severity for one in breaks(few, NAMES)} == {"a": 5, "b": None}
    assert wilson(1, 5)[1] > wilson(5, 5)[0] > wilson(0, 5)[1]


def test_breaks_are_ranked_by_severity_then_by_depth():
    matrices = whole({
        "jpeg": [(50, 50), (20, 50), (0, 50), (0, 50), (0, 50)],
        "stain": [(50, 50), (10, 50), (10, 50), (10, 50), (10, 50)],
        "noise": [(10, 50)] * 5,
        "hue": [(48, 50)] * 5,
        "gamma": [(45, 50)] * 5,
    })  # fmt: skip
    of_a = [(one.shift, one.severity) for one in breaks(matrices, NAMES) if one.class_ == "a"]
    assert of_a == [("noise", 1), ("stain", 2), ("jpeg", 2), ("gamma", None), ("hue", None)]


def test_sentences_name_what_breaks_each_class_first_the_weakest_class_first():
    matrices = whole({"stain": [(50, 40), (48, 10), (20, 10), (20, 10), (20, 10)], "jpeg": [(50, 50)] * 4 + [(9, 50)]})
    first, second = sentences(matrices, NAMES)
    assert first == (
        "b breaks first under stain at severity 2: 10 of 50 called right, 50 of 50 unchanged images called right."
    )
    assert second == (
        "a breaks first under stain at severity 3: 20 of 50 called right, 50 of 50 unchanged images called right; "
        "1 other shift breaks it too."
    )
    calm = whole({shift: [(50, 47)] * 5 for shift in SHIFTS})
    assert sentences(calm, NAMES)[0] == (
        "b is broken by none of the 12 shifts: 50 of 50 unchanged images called right, at worst 47 of 50 (stain at "
        "severity 1)."
    )
    part = whole({"jpeg": [(50, 50)] * 2})
    assert sentences(part, NAMES)[0] == (
        "a is not broken by the one shift, as far as known: 50 of 50 unchanged images called right, and never a "
        "smaller share."
    )
    assert (
        "at worst 49 of 50 (JPEG quality at severity 2)" in sentences(whole({"jpeg": [(50, 50), (49, 50)]}), NAMES)[0]
    )


def test_what_too_few_images_cannot_say_is_not_said():
    few = whole({"stain": [(0, 3)] * 5}, (3, 3), 3)
    assert cannot_break(few, NAMES) == NAMES
    assert breaks(few, NAMES)[0].severity is None
    assert "a: too few images (3) to say that a shift breaks it." in sentences(few, NAMES)
    assert cannot_break(whole({}), NAMES) == []


def test_a_class_that_is_never_right_has_nothing_to_lose():
    matrices = whole({"stain": [(0, 50)] * 5}, (0, 50))
    assert {one.class_ for one in breaks(matrices, NAMES)} == {"b"}
    assert sentences(matrices, NAMES)[-1] == "Nothing can be said of a: no unchanged image of it is called right."
    absent = {key: np.array([[0, 0], [1, 9]]) for key in (BASE, ("stain", 1))}
    assert np.isnan(rates(absent, NAMES)[1].value)
    assert {one.class_ for one in breaks(absent, NAMES)} == {"b"}
    assert breaks({}, NAMES) == sentences({}, NAMES) == []


def test_a_class_that_takes_in_all_images_is_told():
    three = ["a", "b", "c"]
    base = 10 * np.eye(3, dtype=int)
    noise = np.array([[10, 0, 0], [9, 1, 0], [4, 0, 6]])
    worse = np.array([[10, 0, 0], [10, 0, 0], [4, 0, 6]])
    matrices = {BASE: base, ("noise", 1): noise, ("noise", 2): worse, ("hue", 1): base}
    assert swallowed(matrices, three) == [("a", "noise", 2, 24, 10)]
    assert (
        "Under noise at severity 2, 24 of 30 images are called a, of which there are 10: that a is called right there "
        "says nothing of it."
    ) in sentences(matrices, three)
    # Of two equal classes, one is twice as often called at most; and the unchanged images are no shift.
    assert swallowed({BASE: worse}, three) == swallowed(whole({"noise": [(50, 0)]}), NAMES) == []


def test_whether_the_unchanged_images_give_the_recorded_accuracy():
    assert "exactly the test accuracy" in reproduced(two(49, 50), 0.99, 100, "test")
    assert "0.9800, this is 0.9900" in reproduced(two(49, 50), 0.98, 100, "test")
    assert reproduced(two(49, 50), 0.99, 1000, "val").startswith("Judged on 100 of the 1,000 val images")
    assert "no test accuracy" in reproduced(two(49, 50), None, 100, "test")

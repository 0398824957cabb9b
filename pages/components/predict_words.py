"""What Predict says of a reading, in sentences that hold. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.prediction.reading import BlastFlag, Reading, name_of
from core.prediction.wording import at_least

NO_SET = "No calibration images stand behind this model, so there is no prediction set and no watch on blasts."
RUNTIMES = {"torch": "torch", "onnx": "ONNX Runtime"}
KICKERS = {"class": "Reading", "set": "Reading: not told apart", "refer": "Reading: not decided"}


def set_words(reading: Reading) -> str:
    """The prediction set and what vouches for it."""
    if not reading.calibrated:
        return f"The probabilities are the model's own, not calibrated. {NO_SET}"
    held = ", ".join(map(name_of, reading.prediction_set)) or "none of the classes"
    return (
        f"Prediction set ({len(reading.prediction_set)} of {len(reading.classes)}): {held}. {coverage_words(reading)}"
    )


def coverage_words(reading: Reading) -> str:
    """How often such sets hold the true class; by class where the calibration images vouch for less of some."""
    least = min(reading.coverage.values())
    more = ", ".join(f"{name_of(name)} {at_least(one)}" for name, one in reading.coverage.items() if one > least)
    also = f" ({more})" if more else ""
    return (
        f"Such sets hold the true class of at least {at_least(least)} of new images of each class{also}, on average "
        "over calibration sets, as far as the images are like those of the calibration."
    )


def decided_words(reading: Reading, point_words: str | None) -> str:
    """By what the decision was taken."""
    by = {"flag": "a check of the image", "blast flag": "the watch on blasts"}.get(
        reading.decision.decided_by, f"the {reading.decision.decided_by}"
    )
    return f"Decided by {by}." + (f" Operating point: {point_words}." if point_words else "")


def blast_words(blast: BlastFlag) -> str:
    """The watch on blasts: where it stands, and what it finds."""
    beside = "reaches" if blast.raised else "is below"
    return (
        f"The uncalibrated probability of {name_of(blast.class_)}, {blast.probability:.3g}, {beside} its threshold of "
        f"{blast.threshold:.3g}, set to find at least {at_least(blast.sensitivity)} of new "
        f"cells of the class on average, from {blast.images} calibration images."
    )


def timing_words(seconds: Mapping[str, float], loaded: float, model: str) -> str:
    """'Read in 0.12 s (decode 5 ms, network 98 ms, checks 14 ms). Model loaded in 2.3 s.'"""
    parts = ", ".join(f"{name} {1000 * took:.0f} ms" for name, took in seconds.items())
    return f"Read in {sum(seconds.values()):.2f} s ({parts}) on {model}. Model loaded in {loaded:.1f} s."


def two_classes(reading: Reading) -> tuple[str, str | None]:
    """The class that is decided on, or else is most probable, and the next: the second of a set, or next probable."""
    order = [reading.classes[index] for index in (-reading.probabilities).argsort(kind="stable")]
    first = [*reading.decision.classes, *(name for name in order if name not in reading.decision.classes)]
    return first[0], first[1] if len(first) > 1 else None


def listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

"""What Predict says of a reading, in sentences that hold. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.prediction.reading import Reading, name_of
from core.prediction.reading_words import sets_words

NO_SET = "No calibration images stand behind this model, so there is no prediction set and no watch on blasts."
RUNTIMES = {"torch": "torch", "onnx": "ONNX Runtime"}
KICKERS = {"class": "Reading", "set": "Reading: not told apart", "refer": "Reading: not decided"}


def set_words(reading: Reading) -> str:
    """The prediction set and what vouches for it."""
    if not reading.calibrated:
        return f"The probabilities are the model's own, not calibrated. {NO_SET}"
    held = ", ".join(map(name_of, reading.prediction_set)) or "none of the classes"
    among = f"{len(reading.prediction_set)} of {len(reading.classes)}"
    return f"Prediction set ({among}): {held}. {sets_words(reading.coverage)}"


def decided_words(reading: Reading, point_words: str | None) -> str:
    """By what the decision was taken."""
    by = {"flag": "a check of the image", "blast flag": "the watch on blasts"}.get(
        reading.decision.decided_by, f"the {reading.decision.decided_by}"
    )
    return f"Decided by {by}." + (f" Operating point: {point_words}." if point_words else "")


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

"""What is said of a reading in the same words on the pages and in reports: a table's cells, the sets, the watch."""

from __future__ import annotations

from collections.abc import Mapping

from core.prediction.reading import FLAG_LABELS, BlastFlag, Reading, name_of
from core.prediction.wording import at_least, percent

LIKE = "on average, as far as they are like the calibration images"
RESULTS = {True: "raised", False: "not raised", None: "not checked"}  # of a check of the image
SMALL = 0.0005  # a probability that `percent` calls less than 0.1%


def told_class(reading: Reading) -> str:
    """The decided class; the most probable one where none is decided alone."""
    return reading.decision.classes[0] if len(reading.decision.classes) == 1 else reading.best


def share_of(reading: Reading) -> float:
    """The probability of `told_class`: at an operating point that is not always the highest."""
    return float(reading.probabilities[reading.classes.index(told_class(reading))])


def share_words(reading: Reading) -> str:
    """'93.1%' of the one class that is decided; 'monocyte 48.0%' where the decision does not say whose it is."""
    share = percent(share_of(reading))
    return share if len(reading.decision.classes) == 1 else f"{name_of(told_class(reading))} {share}"


def raised_words(reading: Reading) -> list[str]:
    """Raised checks by their names, and a raised watch on blasts."""
    found = [FLAG_LABELS.get(flag.name, name_of(flag.name)) for flag in reading.raised]
    if reading.blast is not None and reading.blast.raised:
        found.append(f"Watch on {name_of(reading.blast.class_)}")
    return found


def unknown_words(reading: Reading) -> list[str]:
    """What nothing vouches for: probabilities that are not calibrated, and checks that were not made."""
    found = [] if reading.calibrated else ["Not calibrated"]
    number = sum(flag.raised is None for flag in reading.flags)
    if not reading.flags:
        found.append("No checks made")
    elif number:
        found.append(f"{number} check{'s' * (number > 1)} not made")
    return found


def reasons_to_look(reading: Reading) -> str:
    """What makes a reading urgent, and what it leaves open, in few words; empty where nothing does."""
    found = raised_words(reading)
    if len(reading.prediction_set) > 1:
        found.append(f"{len(reading.prediction_set)} classes possible")
    elif reading.calibrated and not reading.prediction_set:
        found.append("Unlike every class")
    return ", ".join(found + unknown_words(reading))


def sets_words(coverage: Mapping[str, float]) -> str:
    """How often prediction sets hold the true class: at least, of each class; more where more is vouched for."""
    least = min(coverage.values())
    more = ", ".join(f"{name_of(name)} {at_least(one)}" for name, one in coverage.items() if one > least)
    also = f" ({more})" if more else ""
    return f"Such sets hold the true class of at least {at_least(least)} of new images of each class{also}, {LIKE}."


def watch_words(blast: BlastFlag) -> str:
    """The watch on blasts, in one sentence."""
    fine = _finely if blast.threshold < SMALL else percent
    return (
        f"Watch on {name_of(blast.class_)}: {RESULTS[blast.raised]} (uncalibrated probability "
        f"{fine(blast.probability)}, threshold {fine(blast.threshold)}, set to find at least "
        f"{at_least(blast.sensitivity)} of new ones, {LIKE}, of which there are {blast.images})."
    )


def _finely(share: float) -> str:
    """As `percent`, but with digits where it is small, so that both sides of a small threshold can be told apart."""
    return f"{100 * share:.2g}%" if 0 < share < SMALL else percent(share)

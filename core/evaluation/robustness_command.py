"""`python -m core robustness`: progress on the terminal, then the tables and the sentences."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.foreground import foreground
from core.progress_line import ProgressLine

if TYPE_CHECKING:  # SciPy and what follows it take a second, which no other command needs to wait for
    from core.evaluation.robustness import Measured, Progress

REPORTED = "Reported, never used to choose."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    parser.add_argument("target", metavar="TRIAL_OR_SEARCH", help="a trial's id, or a search's for its model")
    parser.add_argument("--per-class", type=int, metavar="N", help="at most N images a class; without it: all")
    parser.add_argument("--shifts", nargs="+", default=[], metavar="SHIFT", help="only these, such as stain jpeg")


def run(arguments: argparse.Namespace) -> int:
    """Measure, record, print; the exit code (0: done, 130: cancelled). Raises ValueError, one sentence."""
    from core.evaluation.robustness import measure, minutes, trial_of
    from core.search.ingest import KeepIngesting

    trial_id = trial_of(arguments.home, arguments.target)
    line = ProgressLine(units="images in all")

    def say(at: Progress) -> None:
        line.tell(
            at.stage, at.done, at.total, "" if at.seconds_left is None else f", about {minutes(at.seconds_left)} left"
        )

    def work() -> int:
        with KeepIngesting(arguments.home):
            found = measure(arguments.home, trial_id, per_class=arguments.per_class, shifts=arguments.shifts, say=say)
        line.close()
        print(described(found))
        return 0

    return foreground(work, line, "Cancelled. What was measured is kept; run it again to go on.")


def described(found: Measured) -> str:
    """What is known of a trial, for the terminal."""
    from core.evaluation.robustness_summary import BASE, headline, reproduced, sentences, under_shift

    mean = under_shift(found.matrices)
    lines = [
        f"{found.trial_id}: {found.new} conditions measured in {found.seconds:.0f} s, "
        f"{len(found.matrices) - found.new} known before.",
        reproduced(found.matrices[BASE], found.recorded_accuracy, found.images, found.split),
        "",
        rates_table(found),
        "",
        breaks_table(found),
        "",
    ]
    lines += [] if mean is None else [headline(mean)]
    return "\n".join([*lines, *sentences(found.matrices, found.classes), REPORTED])


def rates_table(found: Measured) -> str:
    """A line a condition: images, accuracy with its 95 % Wilson interval, and the sensitivity of each class."""
    from core.evaluation.robustness_summary import rates
    from core.evaluation.shifts import label

    widths = [max(len(name), 6) for name in found.classes]
    head = f"{'shift':<14} severity images accuracy      95 % interval"
    lines = [head + "".join(f"  {name:>{width}}" for name, width in zip(found.classes, widths, strict=True))]
    every = rates(found.matrices, found.classes)
    each = 1 + len(found.classes)
    for start in range(0, len(every), each):
        whole, *parts = every[start : start + each]
        lines.append(
            f"{label(whole.shift):<14} {whole.severity:>8} {whole.n:>6} {whole.value:>8.4f} {whole.low:>9.4f}-"
            f"{whole.high:.4f}"
            + "".join(
                f"  {'-' if not part.n else f'{part.value:.4f}':>{width}}"
                for part, width in zip(parts, widths, strict=True)
            )
        )
    return "\n".join(lines)


def breaks_table(found: Measured) -> str:
    """A line a shift: the smallest severity at which each class breaks; '.' where it does not, '-' where unknown."""
    from core.evaluation.robustness_summary import SHARE, breaks
    from core.evaluation.shifts import SHIFTS

    by_cell = {(one.shift, one.class_): one for one in breaks(found.matrices, found.classes)}
    lines = [
        f"Smallest severity at which a class breaks (sensitivity below {SHARE:g} of that on unchanged images, and "
        "95 % intervals apart)",
        f"{'shift':<14}" + "".join(f"  {name:>{len(name)}}" for name in found.classes),
    ]
    for name, shift in SHIFTS.items():
        cells = []
        for class_ in found.classes:
            one = by_cell.get((name, class_))
            word = "-" if one is None else "." if one.severity is None else str(one.severity)
            cells.append(f"  {word:>{len(class_)}}")
        lines.append(f"{shift.label:<14}" + "".join(cells))
    return "\n".join(lines)

"""`python -m core calibrate`: make a model ready for readings, in the terminal or started by a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.foreground import foreground, telling
from core.progress_line import ProgressLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    parser.add_argument("model", metavar="MODEL", help="the id of a trial, of a fusion, or of a search for its model")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, print; the exit code (0: done, 130: cancelled). Raises ValueError, one sentence."""
    from core import jobs
    from core.prediction.fitting import KIND, fit
    from core.prediction.models import entry
    from core.search.ingest import KeepIngesting

    home: Path = arguments.home
    model = entry(home, arguments.model)
    line = ProgressLine()

    def work() -> int:
        with KeepIngesting(home), jobs.running(home, KIND, model.model_id) as job:
            found = fit(home, model.model_id, job, telling(job, line))
            job.outcome = found.sentence()
        line.close()
        print(job.outcome)
        return 0

    return foreground(work, line, "Cancelled. What was done is kept; run it again to go on.")

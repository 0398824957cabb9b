"""A job at a terminal: progress there and in the journal, one sentence where it is cancelled or the disk is full."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from core.data.dataset import Dataset, DatasetError, ScanCancelled
from core.jobs import Job, JobCancelled
from core.paths import dataset_file
from core.progress_line import ProgressLine

CANCELLED = 130  # exit code, as of what Ctrl-C ends


def foreground(work: Callable[[], int], line: ProgressLine, cancelled: str) -> int:
    """Do `work` and return its exit code; the line is ended before anything else is said.

    Args:
        cancelled: the sentence for whoever has cancelled it (exit code CANCELLED).

    Raises ValueError with one sentence, as the work does; an OSError (a full disk) is printed, with exit code 1.
    """
    try:
        return work()
    except (JobCancelled, ScanCancelled, KeyboardInterrupt):
        line.close()
        print(cancelled, file=sys.stderr)
        return CANCELLED
    except OSError as error:
        line.close()
        print(error, file=sys.stderr)
        return 1
    finally:
        line.close()


def telling(job: Job, line: ProgressLine) -> Callable[[str, int, int], None]:
    """Tells stage, done and total to the journal and to the terminal."""

    def tell(stage: str, done: int, total: int) -> None:
        job.tell(stage, done, total)
        line.tell(stage, done, total)

    return tell


def dataset_wanted(arguments: argparse.Namespace, line: ProgressLine) -> Dataset:
    """The data of `--data` (read in now) or `--dataset`. Raises DatasetError where there is none."""
    if arguments.data is not None:
        from core.data.importing import import_data  # here, so that other commands need not load what reads images

        return import_data(arguments.home, arguments.data.expanduser(), seed=arguments.seed, tell=line.tell)
    file = dataset_file(arguments.home, arguments.dataset)
    if not file.is_file():
        raise DatasetError(f"There is no dataset {arguments.dataset} in {arguments.home}; read it in with --data.")
    return Dataset.load(file)

"""`python -m core data`: say what a source holds, import it into the home folder, download BloodMNIST."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from core import jobs
from core.data.bloodmnist import SIZES, download_bloodmnist
from core.data.dataset import DEFAULT_FRACTIONS, Dataset, DatasetError, describe
from core.evaluation.auditing import start_in_background
from core.foreground import foreground, telling
from core.progress_line import ProgressLine

KIND = "import"  # of the background job
BLOODMNIST = "BloodMNIST, {} px"  # the job's subject where the source is still to be downloaded
_OPTIONS = {"calibration": "calibration", "val": "validation", "test": "test"}  # as those of a search


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Source, split, and what to do with it."""
    parser.add_argument("source", type=Path, nargs="?", help="folder of class folders, zip, or MedMNIST .npz")
    parser.add_argument("--import", action="store_true", dest="keep", help="take it into the store, for the pages")
    parser.add_argument("--clean", type=Path, metavar="FOLDER", help="write a copy without duplicates and leaks")
    parser.add_argument("--bloodmnist", type=Path, metavar="FOLDER", help="download BloodMNIST into FOLDER instead")
    parser.add_argument("--size", type=int, choices=SIZES, default=28, help="px of BloodMNIST")
    parser.add_argument("--seed", type=int, default=0, help="of the split, where folders give none")
    parser.add_argument("--held-out", action="store_true", help="images from elsewhere: all into the test split")
    for name, option in _OPTIONS.items():
        parser.add_argument(
            f"--{option}", dest=name, type=float, default=DEFAULT_FRACTIONS[name], metavar="SHARE",
            help=f"share of the {name} split, where folders give none (default {DEFAULT_FRACTIONS[name]:g})",
        )  # fmt: skip


def to_arguments(
    source: Path | int, downloads: Path, *, seed: int = 0, fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    held_out: bool = False,
) -> list[str]:  # fmt: skip
    """The command line that imports a path, or BloodMNIST of so many px, downloaded into the folder `downloads`."""
    if isinstance(source, int):
        arguments = ["data", "--import", "--bloodmnist", str(downloads), "--size", str(source)]
    else:
        arguments = ["data", subject(source), "--import"]
    arguments += ["--held-out"] if held_out else []
    arguments += ["--seed", str(seed)] if seed else []
    for name, option in _OPTIONS.items():
        arguments += [f"--{option}", f"{fractions[name]:g}"] if fractions[name] != DEFAULT_FRACTIONS[name] else []
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the exit code. Raises DatasetError, JobError, each one sentence."""
    if (arguments.source is None) == (arguments.bloodmnist is None):
        raise DatasetError("Say what to read: a folder, a zip or a .npz; or --bloodmnist FOLDER to download one.")
    if arguments.keep and arguments.clean is not None:
        raise DatasetError("Give --import or --clean, not both: write the cleaned copy first, then import it.")
    line = ProgressLine()
    work = _import if arguments.keep else _read
    return foreground(partial(work, arguments, line), line, "Cancelled; nothing was kept of it.")


def subject(source: Path | int) -> str:
    """What the job is about: the place of the source, or the BloodMNIST of so many px that is still to be downloaded.

    A page that starts the job waits for the same.
    """
    return BLOODMNIST.format(source) if isinstance(source, int) else str(source.expanduser().absolute())


def _import(arguments: argparse.Namespace, line: ProgressLine) -> int:
    with jobs.running(arguments.home, KIND, subject(arguments.source or arguments.size)) as job:
        from core.data.importing import import_data  # takes seconds where others work too; the page knows of it by now

        tell = telling(job, line)
        source = _source(arguments, tell, job.cancelled)
        dataset = import_data(
            arguments.home, source, seed=arguments.seed, fractions=_fractions(arguments),
            held_out=arguments.held_out, tell=tell, cancelled=job.cancelled,
        )  # fmt: skip
        job.result, job.outcome = dataset.dataset_id, _outcome(dataset)
    start_in_background(arguments.home, dataset.dataset_id)
    line.close()
    print(describe(dataset))
    print(f"Imported. See it on the page Data: python -m core app --no-search, then /data?dataset={dataset.dataset_id}")
    return 0


def _read(arguments: argparse.Namespace, line: ProgressLine) -> int:
    from core.data.scan import scan  # here, so that other commands need not load what reads images

    source = _source(arguments, line.tell, lambda: False)
    dataset = scan(
        source, work=arguments.home / "datasets" / "extracted", seed=arguments.seed,
        fractions=_fractions(arguments), held_out=arguments.held_out,
        progress=lambda done, total: line.tell("read images", done, total),
        comparing=lambda done, total: line.tell("compare images", done, total),
    )  # fmt: skip
    line.close()
    print(describe(dataset))
    return 0 if arguments.clean is None else _clean(dataset, arguments.clean, line)


def _clean(dataset: Dataset, folder: Path, line: ProgressLine) -> int:
    from core.data.cleaned import write_clean

    done = write_clean(dataset, folder.expanduser(), lambda done, total: line.tell("copy images", done, total))
    line.close()
    print(done.sentence())
    return 0


def _source(arguments: argparse.Namespace, tell: Callable[[str, int, int], None], stop: Callable[[], bool]) -> Path:
    """Where the images are; downloaded first, if that was asked for."""
    if arguments.source is not None:
        return Path(subject(arguments.source))
    return download_bloodmnist(arguments.bloodmnist.expanduser().absolute(), arguments.size, tell, stop)


def _fractions(arguments: argparse.Namespace) -> dict[str, float]:
    held_out = {name: float(getattr(arguments, name)) for name in _OPTIONS}
    return {"train": round(1 - sum(held_out.values()), 9), **held_out}


def _outcome(dataset: Dataset) -> str:
    left_out = f", {len(dataset.bad):,} file{'s' * (len(dataset.bad) != 1)} left out" if dataset.bad else ""
    return f"{dataset.name} is imported: {len(dataset.usable):,} images of {len(dataset.classes)} classes{left_out}."

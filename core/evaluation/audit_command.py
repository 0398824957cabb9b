"""`python -m core audit`: audit a data set for shortcuts, in the terminal or started in the background."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core import jobs
from core.data.dataset import Dataset, DatasetError
from core.data.sources import GUESS, class_table, patient_column
from core.evaluation.audit import CLASS, SOURCE, Audit
from core.evaluation.audit_words import (
    FEATURES,
    FOLDS,
    GUESSED,
    THUMBNAIL_NOTE,
    alone,
    best_shortcut,
    folds_note,
    source_facts,
)
from core.evaluation.auditing import KIND, Outcome, run_audit
from core.foreground import dataset_wanted, foreground
from core.progress_line import ProgressLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder, zip or .npz to read in and audit")
    which.add_argument("--dataset", help="id of a dataset that has been read in, such as d-0123456789abcdef")
    parser.add_argument("--seed", type=int, default=0, help="of the folds, and of the split of data that are read in")
    parser.add_argument("--again", action="store_true", help="also what is recorded already")


def run(arguments: argparse.Namespace) -> int:
    """Audit, record, print; the exit code (0: done, 130: cancelled). Raises ValueError with one sentence otherwise."""
    if not 0 <= arguments.seed < 2**32:
        raise DatasetError(f"The seed is {arguments.seed}; it must lie between 0 and {2**32 - 1}.")
    home: Path = arguments.home
    line = ProgressLine(units="")

    def work() -> int:
        dataset = dataset_wanted(arguments, line)
        with jobs.running(home, KIND, dataset.dataset_id) as job:
            outcome = run_audit(home, dataset, job, seed=arguments.seed, again=arguments.again, tell=line.tell)
        line.close()
        print(described(dataset, outcome))
        return 0

    return foreground(work, line, "Cancelled. What was audited until then is kept; run it again for the rest.")


def described(dataset: Dataset, outcome: Outcome) -> str:
    """What was found, for the terminal."""
    table = class_table({image_id: told.source for image_id, told in outcome.told.items()}, outcome.images)
    unknown = len(outcome.images) - sum(sum(counts.values()) for counts in table.values())
    kind = "SYNTHETIC cells, " if dataset.synthetic else ""
    head = (
        f"{dataset.name} ({dataset.dataset_id}): {kind}{len(outcome.images):,} images, {len(dataset.classes)} classes, "
        f"{len(table)} known source{'s' * (len(table) != 1)}"
    )
    guessed = any(told.by == GUESS and told.source for told in outcome.told.values())
    facts = [
        *_alone(outcome.audits, guessed),
        *source_facts(table, unknown=unknown, patients=bool(patient_column(dataset.root))),
    ]
    facts += [THUMBNAIL_NOTE, *([GUESSED] if guessed else []), *outcome.notes]
    skipped = len(outcome.audits) - outcome.made
    parts = [head, _baselines(outcome.audits), *([_sources(outcome, table, dataset)] if table else [])]
    parts += ["\n".join(f"- {fact}" for fact in facts)]
    parts += [f"{skipped} of {len(outcome.audits)} were recorded before (--again audits anew)."] if skipped else []
    return "\n\n".join(parts)


def _baselines(audits: Sequence[Audit]) -> str:
    """Accuracy of each baseline with its interval, on class and source side by side."""
    by_key = {(audit.feature, audit.target): audit for audit in audits}
    targets = [target for target in (CLASS, SOURCE) if any(audit.target == target for audit in audits)]
    firsts = [next(audit for audit in audits if audit.target == target) for target in targets]
    rows = [
        ["baseline", *(f"{one.target} (n = {one.n:,}, chance {one.chance:.3f}, {one.folds} folds)" for one in firsts)]
    ]
    for feature in FEATURES:
        own = [by_key[feature, target] for target in targets]
        rows.append([feature, *(f"{one.accuracy:.3f} ({one.low:.3f} to {one.high:.3f})" for one in own)])
    notes = [folds_note(one.target, one.folds, FOLDS) for one in firsts]
    return "\n".join([_aligned(rows), "Cross-validated accuracy, 95 % Wilson interval.", *filter(None, notes)])


def _sources(outcome: Outcome, table: dict[str, dict[str, int]], dataset: Dataset) -> str:
    """Which classes come from which source, and who says so."""
    by = {source: Counter(told.by for told in outcome.told.values() if told.source == source) for source in table}
    rows = [["source", "told by", *dataset.classes, "all"]]
    for source, counts in table.items():
        numbers = [counts.get(name, 0) for name in dataset.classes]
        rows.append([source, ", ".join(sorted(by[source])), *(f"{number:,}" for number in [*numbers, sum(numbers)])])
    return _aligned(rows)


def _alone(audits: Sequence[Audit], guessed: bool) -> list[str]:
    """What the best shortcut says of each target; of a source that was guessed from the files, not what they say."""
    said = []
    for target in (CLASS, SOURCE):
        own = {audit.feature: audit for audit in audits if audit.target == target}
        circular = guessed and target == SOURCE
        best = best_shortcut({one: audit.accuracy for one, audit in own.items() if not (circular and one == "file")})
        said += [alone(best, target, own[best].accuracy, own[best].chance)] if best else []
    return said


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )

"""What the audits of datasets say of an accuracy: a level, a few words and a sentence. No Streamlit, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from core.evaluation.audit_words import Badge, badge, sentence
from pages.charts.wording import missing
from store.published import DATASET_ID as PUBLISHED

NOT_AUDITED, RUNNING = "not audited", "running"
LEVELS: Mapping[str, str] = {
    "high": "High: the accuracy alone says little about cells.",
    "some": "Some: a part of the accuracy needs no look at the cell.",
    "low": "Low: little of the accuracy can be had without looking at the cell.",
}
NO_IMAGES = (  # see store/published/README.md
    "Cannot be audited: the study publishes no images. What is known of its data since: the classes come from two "
    "hospitals, each class from one of them, and in an independent audit logistic regression on a colour histogram "
    "alone called 94.4 % right (chance 20 %)."
)
_ENDED = {
    "STOPPED": "The last audit was cancelled.", "FAILED": "The last audit failed.",
    "LOST": "The process of the last audit is gone.",
}  # fmt: skip


@dataclass(frozen=True)
class Audits:
    """What is known of the audits of all datasets.

    Attributes:
        accuracies: by dataset, the accuracy of each baseline on the class, by feature.
        chance: by dataset, the share of its largest class.
        confounded: datasets of which each class comes from one source only.
        jobs: by dataset, how its audit stands where that is not COMPLETE: RUNNING, STOPPED, FAILED or LOST.
    """

    accuracies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    confounded: frozenset[str] = frozenset()
    jobs: Mapping[str, str] = field(default_factory=dict)

    def badge(self, dataset_id: Any, accuracy: Any, measured: str = "") -> Badge:
        """What stands beside an accuracy of a model on a dataset; both may be missing.

        `measured` says whose accuracy it is and on what, such as "best trial on val".
        """
        if missing(dataset_id):
            return Badge(NOT_AUDITED, "Shortcut: not audited", "Its images are not read yet; an audit can follow.")
        if dataset_id == PUBLISHED:
            return Badge(NOT_AUDITED, "Shortcut: no images to audit", NO_IMAGES)
        found = badge(
            self.accuracies.get(dataset_id, {}), self.chance.get(dataset_id),
            None if missing(accuracy) else float(accuracy), confounded=dataset_id in self.confounded, measured=measured,
        )  # fmt: skip
        job = self.jobs.get(dataset_id, "")
        if found.level != NOT_AUDITED:
            again = " The audit is being run again." if job == "RUNNING" else ""
            return Badge(found.level, found.text, f"{LEVELS[found.level]} {found.sentence}{again}")
        if job == "RUNNING":
            words = "How much of this accuracy can be had without looking at the cell is being found out."
            return Badge(RUNNING, "Shortcut: audit running", words)
        return Badge(found.level, found.text, " ".join(filter(None, [found.sentence, _ENDED.get(job, "")])))

    def sentence(self, dataset_id: Any, accuracy: Any, measured: str = "") -> str:
        """The short sentence for beside the badge, whose tooltip says more."""
        if dataset_id == PUBLISHED:
            return "Cannot be audited for shortcuts: the study publishes no images."
        accuracies, chance = self.accuracies.get(dataset_id, {}), self.chance.get(dataset_id)
        if missing(dataset_id) or chance is None:
            return self.badge(dataset_id, accuracy, measured).sentence
        return sentence(accuracies, chance, None if missing(accuracy) else float(accuracy), measured)


def audits_of(rows: pd.DataFrame, jobs: Mapping[str, str]) -> Audits:
    """From `queries.audited` and how jobs stand, by dataset."""
    own = {str(dataset_id): part for dataset_id, part in rows.groupby("dataset_id")}
    return Audits(
        {one: dict(zip(part["feature"], part["accuracy"].astype(float), strict=True)) for one, part in own.items()},
        {one: float(part["chance"].iloc[0]) for one, part in own.items()},
        frozenset(one for one, part in own.items() if bool(part["confounded"].iloc[0])),
        jobs,
    )

"""The pages' reading of images from elsewhere: what a trial says of them, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from pages.charts.wording import missing
from pages.components.data import read
from pages.components.external_tables import IN_SET, REMARK, Judged, counted, judged

ELSEWHERE_HELP = (
    f"accuracy on images from elsewhere, all their sources together; {REMARK}; the tab Other sources of Evaluate has "
    "each class and source"
)


def external_sets(trial_id: str, names: list[str]) -> list[Judged]:
    """The external sets that a trial has judged, those taken back last. `names` are the classes of its data."""
    results = read("external_results", [trial_id]).sort_values("registered", ascending=False, kind="stable")
    found = []
    for row in results.to_dict("records"):
        external_id = str(row["external_id"])
        name = external_id if missing(row["name"]) else str(row["name"])
        rows = read("external_predictions", trial_id, external_id)
        found.append(judged(name, external_id, rows, rows["true_index"], names, registered=bool(row["registered"])))
    return found


def own_test(trial_id: str, dataset_id: str, names: list[str]) -> Judged | None:
    """The test images of the trial's own data; None where its probabilities of them are not known."""
    rows = read("predictions", trial_id, "test")
    if rows.empty:
        return None
    told = read("image_sources", dataset_id).set_index("image_id")["source"]
    rows = rows.assign(source=rows["image_id"].map(told))
    return judged(IN_SET, dataset_id, rows, rows["true_class"].map(names.index), names, registered=True)


def compare_columns(trial_ids: Sequence[str]) -> Mapping[str, pd.Series]:
    """For Compare: by set, the accuracy of each trial on its images, all sources together, and its counts as text.

    Nothing where none of the trials has judged any.
    """
    results = read("external_results", list(trial_ids))
    found: dict[str, pd.Series] = {}
    for external_id, rows in results.groupby("external_id", sort=False):
        own = rows.set_index("trial_id")
        name = str(external_id) if missing(own["name"].iloc[0]) else str(own["name"].iloc[0])
        if f"on {name}" in found:
            name = f"{name} ({external_id})"
        counts = zip(own["n_right"].astype(int), own["n"].astype(int), strict=True)
        text = pd.Series([counted(right, n) for right, n in counts], index=own.index, dtype=object)
        found[f"on {name}"] = (own["n_right"] / own["n"]).astype(float).reindex(list(trial_ids))
        found[f"on {name}, 95 %"] = text.reindex(list(trial_ids)).fillna("")
    return found

"""Which model a page is about: a finished trial of a search, or a saved fusion of trials on the same data.

`?trial=` or `?fusion=` in the address, else the search's own model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.fusion import FusionError, Outputs, fuse_outputs
from pages.charts.wording import missing
from pages.components.choose import TRIAL, trial_label
from pages.components.data import read
from pages.components.facts import classes
from pages.components.whatif_address import unique

FUSION = "fusion"
SPLITS = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class Model:
    """What answers: a trial, or several whose answers are fused. A trial is a fusion of one."""

    model_id: str
    name: str
    dataset_id: str
    classes: tuple[str, ...]
    trial_ids: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "average"
    search_id: str | None = None  # of a trial

    @property
    def fused(self) -> bool:
        return self.search_id is None


def model_choice(search: dict[str, Any], *, label: str = "Model") -> Model | None:
    """A box to choose a model; None where the search has no finished trial and its data no fusion."""
    found = models_of(search)
    if not found:
        return None
    asked = st.query_params.get(FUSION) or st.query_params.get(TRIAL)
    picked = asked if asked in found else next(iter(found))
    if asked and asked not in found:
        st.warning(f"There is no finished model {asked} on these data; it may have been removed. Showing another one.")
        _point_at(found[picked])
    names = unique({model_id: model.name for model_id, model in found.items()})
    key = f"model_box_{picked}_{names[picked]}"  # named after what it shows, as in choose.py
    st.selectbox(
        label, list(found), index=list(found).index(picked), format_func=names.__getitem__, key=key,
        on_change=_changed, args=(key, picked, found),
    )  # fmt: skip
    return found[picked]


def models_of(search: dict[str, Any]) -> dict[str, Model]:
    """Models by id: the search's own first, then its other finished trials, then saved fusions on the same data."""
    if missing(search["dataset_id"]):
        return {}
    dataset_id, search_id = str(search["dataset_id"]), str(search["search_id"])
    names = tuple(classes(dataset_id))
    trials = read("trials", search_id)
    trials = trials[trials["status"] == "COMPLETE"]
    own = search["best_trial_id"] if missing(search["model_trial_id"]) else search["model_trial_id"]
    found = {}
    for row in trials.sort_values("trial_id", key=lambda ids: ids != own, kind="stable").to_dict("records"):
        trial_id = str(row["trial_id"])
        name = trial_label(row)
        if trial_id == own:
            name = f"{'best trial so far' if missing(search['model_trial_id']) else 'model of the search'}: {name}"
        found[trial_id] = Model(trial_id, name, dataset_id, names, (trial_id,), search_id=search_id)
    return found | fusions_of(dataset_id)


def fusions_of(dataset_id: str) -> dict[str, Model]:
    """Saved fusions of trials on these data, by id, newest first."""
    rows = read("fusions")
    names = tuple(classes(dataset_id))
    return {
        str(row["fusion_id"]): Model(
            str(row["fusion_id"]),
            f"fusion: {row['name']} ({row['rule']} of {len(row['trial_ids'])})",
            dataset_id,
            names,
            tuple(str(trial_id) for trial_id in row["trial_ids"]),
            tuple(float(weight) for weight in row["weights"]),
            str(row["rule"]),
        )
        for row in rows[rows["dataset_id"] == dataset_id].to_dict("records")
    }


def accuracy_of(model: Model) -> tuple[float | None, str]:
    """Accuracy of a trial on test, on val where it has none there, and which it is; None for a fusion."""
    rows = read("trial", model.trial_ids[0])
    if model.fused or rows.empty:
        return None, ""
    known = {split: rows[f"{split}_accuracy"].iloc[0] for split in ("test", "val")}
    return next(
        ((float(one), f"this model on {split}") for split, one in known.items() if not missing(one)), (None, "")
    )


def trial_outputs(trial_ids: tuple[str, ...], split: str) -> list[Outputs]:
    """What each trial says of the images of a split, at its last epoch. Raises FusionError where one says nothing."""
    rows = {str(row["trial_id"]): row for row in read("outputs", trial_ids, split).to_dict("records")}
    gone = [trial_id for trial_id in trial_ids if trial_id not in rows]
    if gone:
        raise FusionError(
            f"The store has no {SPLITS[split]} predictions of {', '.join(gone)}: its search was deleted, or had no "
            f"{SPLITS[split]} images."
        )
    return [_outputs(rows[trial_id]) for trial_id in trial_ids]


def outputs_of(model: Model, split: str) -> Outputs:
    """What a model says of the images of a split. Raises FusionError where the store has no predictions of it."""
    return fuse_outputs(trial_outputs(model.trial_ids, split), model.weights, model.rule)


def _outputs(row: dict[Any, Any]) -> Outputs:
    image_ids = np.asarray(row["image_ids"], dtype=np.int64)
    order = np.argsort(image_ids)
    probabilities = np.asarray(row["probabilities"], dtype=np.float64).reshape(len(image_ids), -1)
    return Outputs(image_ids[order], np.asarray(row["true_classes"], dtype=np.int64)[order], probabilities[order])


def _changed(key: str, shown: str, found: dict[str, Model]) -> None:
    if st.session_state[key] != shown:
        _point_at(found[st.session_state[key]])


def _point_at(model: Model) -> None:
    here, there = (FUSION, TRIAL) if model.fused else (TRIAL, FUSION)
    st.query_params[here] = model.model_id
    st.query_params.pop(there, None)

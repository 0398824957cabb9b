"""The card of a model: what it was made from, how good it is here and elsewhere, and what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.evaluation.intervals import wilson
from core.prediction.reading import name_of
from pages.charts.wording import missing, point, share
from pages.components.data import read, record
from pages.components.external_tables import REMARK, counted
from pages.components.models import Model
from pages.components.notes import plain
from pages.components.predict_words import listed

if TYPE_CHECKING:
    from core.prediction.reader import Reader

KEY = "model_card"


def card(model: Model) -> None:
    """The card, closed until someone opens it."""
    with st.expander(f"Model card: {plain(model.name)}", icon=":material/id_card:", key=KEY, on_change="rerun") as part:
        if part.open:
            _card(model)


def calibrated_words(reader: Reader) -> str:
    """What stands behind the probabilities."""
    found = reader.calibration
    if found is None:
        return "not calibrated"
    return f"calibrated by {found.n:,} images, temperature {found.temperature:.2f}"


def _card(model: Model) -> None:
    dataset = record("dataset", model.dataset_id) or {}
    for trial_id in model.trial_ids:
        trial = record("trial", trial_id)
        if trial is not None:
            st.markdown(_training(trial_id, trial))
    st.markdown(_data(model, dataset))
    st.markdown("\n".join(f"- {line}" for line in _accuracies(model)))
    st.markdown(f"**What it does not know.** {_unknown(model, dataset)}")
    st.caption(
        "Research use only, not a medical device. Nobody has approved it, and no study has shown that its readings "
        "help a patient."
    )


def _training(trial_id: str, trial: dict[str, Any]) -> str:
    when = "" if missing(trial["finished_at"]) else f", finished {pd.Timestamp(trial['finished_at']):%d %b %Y}"
    size = "" if missing(trial["image_size"]) else f" at {int(trial['image_size'])} px"
    backbone = "a network" if missing(trial["backbone"]) else str(trial["backbone"])
    return f"**Training.** {plain(trial_id)}: {plain(backbone)}{size}. {point(trial)}{when}."


def _data(model: Model, dataset: dict[str, Any]) -> str:
    counts = read("dataset_counts", model.dataset_id)
    splits = counts.groupby("split")["count"].sum()
    each = ", ".join(f"{int(splits[one]):,} {one}" for one in ("train", "val", "calibration", "test") if one in splits)
    sources = sorted({str(one) for one in read("image_groups", model.dataset_id)["source"] if not missing(one)})
    named = f" from {len(sources)} sources ({plain(', '.join(sources[:6]))})" if sources else "; sources not known"
    made = "" if missing(dataset.get("synthetic")) or not dataset["synthetic"] else " They are synthetic sample cells."
    name = model.dataset_id if missing(dataset.get("name")) else str(dataset["name"])
    return f"**Data.** {plain(name)}: {each} images{plain(named)}.{made}"


def _accuracies(model: Model) -> list[str]:
    """In the set, and on images from elsewhere: of a fusion, each member by itself."""
    lines = []
    for trial_id in model.trial_ids:
        of = f"{plain(trial_id)}: " if model.fused else ""
        trial = record("trial", trial_id) or {}
        n = read("dataset_counts", model.dataset_id).query("split == 'test'")["count"].sum()
        if not missing(trial.get("test_accuracy")):
            low, high = wilson(round(float(trial["test_accuracy"]) * int(n)), int(n)) if n else (None, None)
            interval = "" if low is None else f" (95 % {share(low)} to {share(high)}, {int(n):,} images)"
            lines.append(f"{of}accuracy in the set (test): **{share(trial['test_accuracy'])}**{interval}")
        results = read("external_results", [trial_id])
        for row in results[results["registered"].astype(bool)].to_dict("records"):
            name = row["external_id"] if missing(row["name"]) else row["name"]
            told = counted(int(row["n_right"]), int(row["n"]))
            lines.append(f"{of}accuracy outside it, on {plain(str(name))}: **{told}**; {REMARK}")
        if results.empty:
            lines.append(f"{of}accuracy outside the set: not measured; the page Evaluate does it")
    return lines


def _unknown(model: Model, dataset: dict[str, Any]) -> str:
    names = listed([name_of(one) for one in model.classes])
    return (
        f"It knows only {plain(names)}: any other cell, a lymphocyte or a platelet clump, gets one of these names "
        "unless a check refers it. It sees one cell, not the smear, the patient or the blood count. In other "
        "hospitals, with other stains and cameras, it can be far worse than in its own set; the badge above says how "
        "much of its accuracy can be had without looking at the cell."
    )

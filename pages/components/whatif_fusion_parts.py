"""The parts of the page What-if: fusion. Headlines, members, classes, saved fusions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import statements
from core.evaluation.decision import decision_matrix
from core.evaluation.fusion import FusionError, Outputs, fuse_outputs
from pages.charts.decisions import operating_rates
from pages.charts.fusion import fusion_accuracies
from pages.charts.wording import loss, missing
from pages.components.csv_button import csv_button
from pages.components.data import home, read
from pages.components.drawing import draw, show
from pages.components.figures import Figure, figure_row
from pages.components.models import trial_outputs
from pages.components.saved import saved_list, saving
from pages.components.shortcut_badge import shortcut_badge
from pages.components.whatif_decision_parts import ROLES
from pages.components.whatif_decision_tables import counted
from pages.components.whatif_fusion_choice import MOST_WEIGHT, Candidates, searches_of, write
from pages.components.whatif_fusion_tables import (
    FUSION,
    Scores,
    accuracies,
    best_member,
    macro_specificity,
    scores_of,
    sentence,
    table,
    whole_weights,
)

SPLITS = {"val": "validation", "test": "test"}


def judged(weights: Mapping[str, float], rule: str) -> dict[str, dict[str, Scores]]:
    """Scores of the fusion and its members, by split in words. Raises FusionError where they cannot be fused.

    Without test predictions there is validation alone, after a sentence.
    """
    members = tuple(weights)
    found: dict[str, dict[str, Scores]] = {}
    for split, words in SPLITS.items():
        try:
            outputs = trial_outputs(members, split)
        except FusionError as error:
            if split == "val":
                raise
            st.info(f"Validation alone is shown. {error}", icon=":material/info:")
            break
        fused = fuse_outputs(outputs, list(weights.values()), rule)
        found[words] = {FUSION: _scores(fused, vote=rule == "vote")}
        found[words] |= {member: _scores(own) for member, own in zip(members, outputs, strict=True)}
    return found


def _scores(outputs: Outputs, *, vote: bool = False) -> Scores:
    return scores_of(outputs, vote=vote)


def headline(split: str, scores: Scores, dataset_id: str) -> None:
    """Accuracy, macro specificity and loss of the fusion on one split, with intervals and the number of images."""
    st.subheader(f"{split.capitalize()}: {ROLES[split]}", anchor=False)
    macro = macro_specificity(scores)
    bounds = "interval unknown" if np.isnan(macro.low) else f"{macro.low:.4f} to {macro.high:.4f}"
    figure_row(
        [
            Figure("Accuracy", f"{scores.accuracy:.4f}", "{:.4f} to {:.4f}".format(*scores.interval),
                   "Share of the images called right; below it the 95 % Wilson interval."),
            Figure("Macro specificity", f"{macro.value:.4f}", bounds,
                   f"The plain mean of the classes' specificities; 95 % interval: {macro.method}."),
            Figure("Loss", loss(scores.loss), "votes have none" if scores.loss is None else "mean per image",
                   "Mean cross-entropy per image; the shares of a vote are no probabilities."),
            Figure("Images", f"{scores.n:,}", split, "All rates here rest on them."),
        ],
        key=f"fusion_figures_{split}",
    )  # fmt: skip
    shortcut_badge(dataset_id, scores.accuracy, f"this fusion on {split}")


def against_best(found: Mapping[str, Mapping[str, Scores]], names: Mapping[str, str]) -> None:
    """The paired test against the best single member, which validation chose, on each split."""
    members = {member: scores for member, scores in found["validation"].items() if member != FUSION}
    best = best_member(members)
    for split, scores in found.items():
        st.markdown(f"**{split.capitalize()}** ({ROLES[split]}): {sentence(scores[FUSION], scores[best], names[best])}")
    st.caption(f"The best single member on validation is {names[best]}.")


def beside_members(
    found: Mapping[str, Mapping[str, Scores]], names: Mapping[str, str], weights: Mapping[str, float]
) -> None:
    """The fusion and each member: accuracy with its interval as a chart, all figures as a table with CSV."""
    show(
        draw(fusion_accuracies, accuracies({FUSION: "fusion", **names}, found)), key="fusion_accuracies",
        alt="Accuracy of the fusion and of each member with 95 % Wilson intervals, validation and test",
    )  # fmt: skip
    rows = table({FUSION: "fusion", **names}, weights, found)
    number: Any = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        rows, hide_index=True, key="fusion_table", placeholder="–",
        column_config={column: number for column in rows.columns if column != "model" and "interval" not in column},
        alt="The fusion and its members: weight, accuracy with interval, macro specificity and loss on both splits",
    )  # fmt: skip
    csv_button(lambda: rows, "fusion", "fusion_csv")


def per_class(found: Mapping[str, Mapping[str, Scores]], classes: list[str]) -> None:
    """Rates of each class with intervals, both splits, as a chart and a table with CSV."""
    parts = []
    for split, scores in found.items():
        counts = scores[FUSION].matrix
        true, called = np.nonzero(counts)
        matrix = decision_matrix(
            np.repeat(true, counts[true, called]), np.repeat(called, counts[true, called]), len(classes)
        )
        parts.append(counted(matrix, classes).assign(split=split))
    rates = pd.concat(parts, ignore_index=True)
    alt = "Sensitivity, specificity, PPV and NPV of each class with 95 % Wilson intervals, validation and test"
    show(draw(operating_rates, rates), key="fusion_rates", alt=alt)
    shown = rates[["class", "split", "measure", "value", "low", "high", "successes", "n"]]
    number: Any = st.column_config.NumberColumn(format="%.4f")
    with st.expander("As a table"):
        st.dataframe(
            shown, hide_index=True, key="fusion_class_table", placeholder="–", alt=alt,
            column_config=dict.fromkeys(("value", "low", "high"), number),
        )  # fmt: skip
    csv_button(lambda: shown, "fusion-classes", "fusion_classes_csv")


def saved_fusions(found: Candidates, weights: Mapping[str, float], rule: str, *, by_validation: bool) -> None:
    """Save the fusion in the address, and open, use or remove earlier ones on these data."""

    def save(name: str) -> str:
        chosen_by = "validation" if by_validation else "person"
        return statements.save_fusion(home(), name, found.dataset_id, rule, weights, chosen_by=chosen_by)

    saving("fusion", "fusion", save, note="Saved fusions are offered as models on the pages Predict and What-if: the "
                                          "decision.")  # fmt: skip
    rows = read("fusions")
    rows = rows[rows["dataset_id"] == found.dataset_id]
    listed = pd.DataFrame(
        {
            "name": rows["name"],
            "rule": rows["rule"],
            "members": [
                ", ".join(f"{found.labels.get(str(one), str(one))} {weight:.3g}" for one, weight in members)
                for members in (zip(row["trial_ids"], row["weights"], strict=True) for row in rows.to_dict("records"))
            ],
            "chosen by": rows["chosen_by"],
            "saved": rows["at"],
        }
    )
    saved_list(
        "fusion", rows, listed, open_fusion, words="fusion",
        links=[
            lambda row: _link("whatif_decision.py", "Decide with it", ":material/tune:", found, row),
            lambda row: _link("predict.py", "Predict with it", ":material/biotech:", found, row),
        ],
    )  # fmt: skip


def _link(page: str, label: str, icon: str, found: Candidates, row: Mapping[Any, Any]) -> None:
    query = {"search": found.searches[0], "fusion": str(row["fusion_id"])}
    st.page_link(page, label=label, icon=icon, query_params=query)


def open_fusion(row: Mapping[Any, Any]) -> None:
    """Put a saved fusion into the address."""
    trial_ids = tuple(str(one) for one in row["trial_ids"])
    try:
        searches = searches_of(read("listing"), trial_ids)
    except FusionError as error:
        st.session_state["fusion_said"] = str(error)
        return
    whole = whole_weights([float(weight) for weight in row["weights"]], MOST_WEIGHT)
    write(dict(zip(trial_ids, map(float, whole), strict=True)), str(row["rule"]), searches)


def no_members(weights: Mapping[str, float]) -> str | None:
    """What is missing before anything can be fused."""
    if not weights:
        return "Choose members, or the best small ensemble."
    return None if any(weight > 0 for weight in weights.values()) else "Give at least one member a weight above 0."


def synthetic(dataset_id: str) -> bool:
    """Whether the images are generated sample cells."""
    rows = read("dataset", dataset_id)
    return not rows.empty and not missing(rows["synthetic"].iloc[0]) and bool(rows["synthetic"].iloc[0])

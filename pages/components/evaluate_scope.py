"""The tab "Out of scope" of Evaluate: whether the trial notices images that show none of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.intervals import Estimate
from core.evaluation.scope import ALPHA, ENERGY, LABELS, MAHALANOBIS, METHODS, threshold
from core.evaluation.scope_summary import NOT_KNOWN, USED, Flagged, Verdict, level_words
from pages.charts.scope import scope_histogram
from pages.charts.wording import missing, share
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.drawing import draw, show
from pages.components.evaluate_scope_run import scoping
from pages.components.evaluate_view import View
from pages.components.figures import Figure, figure_row
from pages.components.scope_tables import by_class, histogram_rows, scores_of, verdicts

SET, LEVEL, METHOD = "scope_set", "scope_alpha", "scope_method"  # in the address
AXES = {
    MAHALANOBIS: "squared Mahalanobis distance to the nearest class (farther: stranger)",
    ENERGY: "energy of the logits (higher: stranger)",
}


def out_of_scope(view: View) -> None:
    """All of it: what is fitted or can be, and what the score says of test images and of images out of scope."""
    if view.published:
        st.info("The weights of the study are not public, so nothing tells what its model takes for its own images.",
                icon=":material/info:")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(
            f"images out of scope: {USED}", icon=":material/verified_user:", color="gray",
            help="Nothing is trained, fitted or tuned on them; no trial and no threshold is chosen by them.",
        )  # fmt: skip
        st.caption(
            "A classifier calls every image one of its classes, even where it shows none. The score is how far an "
            "image lies from the training images, as the network sees them; its p-value is the share of the "
            "calibration images that lie at least as far.",
            width="stretch",
        )
    fitted = record("scope_fits", [view.trial_id])
    sets = read("scope_results", [view.trial_id])
    scoping(view, fitted=fitted is not None, known=set(sets["outside_id"]))
    if fitted is not None:
        _results(view, fitted, sets)


def _results(view: View, fitted: dict[str, Any], sets: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = _choice(sets)
        alpha = st.number_input(
            "Flag at a p-value of at most", min_value=0.001, max_value=0.5, value=ALPHA, step=0.01, format="%.3f",
            key=LEVEL, bind="query-params", width=220,
            help="Of images like those that it was trained on, about this share is flagged: false alarms.",
        )  # fmt: skip
        method = st.segmented_control(
            "Score", list(METHODS), format_func=LABELS.__getitem__, default=MAHALANOBIS, required=True, key=METHOD,
            bind="query-params",
        ) or MAHALANOBIS  # fmt: skip
    alpha = float(alpha)
    rows = read("scope_scores", view.trial_id, picked)
    found = verdicts(rows, alpha)
    said = found[method]
    figure_row(_figures(found, said, method), key="scope_figures")
    st.caption(f"{level_words(int(fitted['n_calibration']), alpha)} Fitted on {int(fitted['n_train']):,} training "
               f"images, {int(fitted['n_features']):,} features.")  # fmt: skip
    limit = threshold(scores_of(rows, "calibration", method), alpha)
    show(
        draw(scope_histogram, histogram_rows(rows, method), title=AXES[method], limit=limit,
             logarithmic=method == MAHALANOBIS),
        key="scope_histogram",
        alt=f"{LABELS[method]} of the test images and of images out of scope, with the limit of an alarm",
    )  # fmt: skip
    st.caption("Each histogram by itself sums to 100 %. The limit comes from the calibration images alone.")
    _table(found, f"{view.trial_id}-{picked or 'test'}", rows)
    st.markdown(f"**What this does not tell.** {NOT_KNOWN}", anchors=False)


def _choice(sets: pd.DataFrame) -> str | None:
    """The set that is shown; None while there is none."""
    names = {
        str(row["outside_id"]): str(row["outside_id"] if missing(row["name"]) else row["name"])
        for row in sets.to_dict("records")
    }
    if not names:
        return None
    picked = st.selectbox("Images out of scope", list(names), format_func=names.__getitem__, key=SET,
                          bind="query-params", width=320)  # fmt: skip
    return picked or next(iter(names))


def _figures(found: Mapping[str, Verdict], said: Verdict, method: str) -> list[Figure]:
    shown = []
    if said.flagged.n:
        for name, one in found.items():
            shown.append(
                Figure(f"AUROC, {LABELS[name]}", share(None if one.area is None else one.area.value), _ends(one.area),
                       "How often an image out of scope scores above a test image; below it the 95 % interval"
                       + ("." if one.area is None else f" by {one.area.method}."))
            )  # fmt: skip
        shown.append(_flagged("Flagged", said.flagged, f"Images out of scope that are flagged by {LABELS[method]}"))
    shown.append(_flagged("False alarms", said.alarms, f"Test images that are flagged by {LABELS[method]}"))
    return shown


def _flagged(label: str, one: Flagged, words: str) -> Figure:
    return Figure(label, share(one.share), f"{share(one.low)} to {share(one.high)}, n {one.n:,}",
                  f"{words}: {one.flagged:,} of {one.n:,}; below it the 95 % Wilson interval.")  # fmt: skip


def _ends(one: Estimate | None) -> str:
    return "no test images" if one is None else f"{share(one.low)} to {share(one.high)}"


def _table(found: Mapping[str, Verdict], name: str, rows: pd.DataFrame) -> None:
    """Each class out of scope, and the test images, with each interval as one column of text."""
    table = by_class(found)
    shown = table[["class", "n"]].copy()
    columns: dict[str, Any] = {"class": st.column_config.TextColumn(pinned=True)}
    for method in METHODS:
        label = LABELS[method]
        shown[f"{label}: flagged"] = table[f"{label}: flagged"]
        shown[f"{label}: share"] = table[f"{label}: share"].astype(float)
        ends = zip(table[f"{label}: low"], table[f"{label}: high"], strict=True)
        shown[f"{label}: 95 %"] = [f"{share(low)} to {share(high)}" for low, high in ends]
        columns[f"{label}: share"] = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        shown, hide_index=True, column_config=columns, placeholder="–", key="scope_classes",
        alt="Flagged images of each class out of scope and false alarms on test images, with 95 % Wilson intervals",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{name}-out-of-scope-classes", "scope_classes_csv")
        csv_button(lambda: rows, f"{name}-out-of-scope-scores", "scope_scores_csv", label="Every image's scores (CSV)")

"""How the trial bears shifted images: the mean under shift, curves, what breaks each class first, and examples."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluation.robustness_summary import BASE, SHARE, Matrices, reproduced, sentences, under_shift
from core.evaluation.shifts import SHIFTS
from pages.charts import palette
from pages.charts.robustness import break_map, shift_curves
from pages.charts.wording import missing, share
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.evaluate_robustness_example import example
from pages.components.evaluate_robustness_run import measuring
from pages.components.evaluate_view import SPLIT_WORDS, View
from pages.components.facts import split_images
from pages.components.figures import Figure, figure_row
from pages.components.robustness_tables import ACCURACY, break_cells, curve_rows, matrices_of, rates_table

CURVES_OF = "robust_of"  # in the address


def robustness(view: View) -> None:
    """Everything about one trial under shift. It is about the last epoch, and about test wherever there is one."""
    if view.published:
        st.info("The weights of the study are not public, so its model cannot be judged on shifted images.",
                icon=":material/info:")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(
            "reported, never used to choose", icon=":material/verified_user:", color="gray",
            help="No trial, epoch or setting is chosen by these figures.",
        )  # fmt: skip
        st.caption(
            f"{len(SHIFTS)} kinds of shift, 5 severities each: the trial's final weights on the test images "
            "(validation where there is no test), changed as other stainers, microscopes, cameras and files change "
            "them. Severities were set by eye, not by any model: see the example below.",
            width="stretch",
        )
    rows = read("robustness", [view.trial_id])
    matrices = matrices_of(rows)
    measuring(view, rows, matrices)
    if BASE in matrices and len(matrices) > 1:
        _results(view, matrices, str(rows["split"].iloc[0]))
    elif len(rows) and not matrices:
        st.info("What is recorded was measured with another version of the shifts; measure it anew.",
                icon=":material/update:")  # fmt: skip
    example(view)
    if matrices:
        _table(view, matrices)


def _results(view: View, matrices: Matrices, split: str) -> None:
    _figures(matrices, split)
    images = split_images(view.search["dataset_id"], split)
    accuracy = view.trial.get(f"{split}_accuracy")
    told = None if missing(accuracy) else float(str(accuracy))
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(matrices, view.names)), anchors=False)
    st.caption(reproduced(matrices[BASE], told, images or 0, SPLIT_WORDS[split]))
    st.subheader("Severity by severity", anchor=False)
    what = st.selectbox(
        "Curves of", [ACCURACY, *view.names], key=CURVES_OF, bind="query-params", width=260,
        format_func=lambda name: "accuracy, all classes" if name == ACCURACY else f"sensitivity of {name}",
    )  # fmt: skip
    words = "accuracy" if what == ACCURACY else f"sensitivity of {what}"
    colour = palette.ACCENT if what == ACCURACY else palette.class_colour(view.names.index(what))
    show(
        draw(shift_curves, curve_rows(matrices, view.names, what), what=words, colour=colour), key="shift_curves",
        alt=f"{words} over the severities of each shift, with 95 % Wilson intervals; dotted: unchanged images",
    )  # fmt: skip
    st.caption("Bands: 95 % Wilson intervals. Dotted: the images as they are, severity 0.")
    st.subheader("Where each class breaks", anchor=False)
    show(
        draw(break_map, break_cells(matrices, view.names)), key="break_map",
        alt="Smallest severity at which each class breaks under each shift",
    )  # fmt: skip
    st.caption(
        f"The number is the smallest severity at which a class's sensitivity is below {SHARE:g} times that on the "
        "unchanged images and its 95 % interval lies wholly below theirs; 'holds': at none of the five; '?': not "
        "known. A few images a class cannot show a small fall, so 'holds' is no proof."
    )


def _figures(matrices: Matrices, split: str) -> None:
    found = under_shift(matrices)
    if found is None:
        st.info("No shift has all its five severities yet, so there is no mean.", icon=":material/info:")
        return
    base, (fewest, most) = found.unchanged, found.images
    number = f"n {most:,}" if fewest == most else f"n {fewest:,} to {most:,}"
    part = "" if len(found.shifts) == len(SHIFTS) else f" of {len(SHIFTS)}"
    figure_row(
        [
            Figure("Mean under shift", share(found.mean),
                   f"{share(found.low)} to {share(found.high)}, {number}",
                   "Accuracy, plain mean over shifts and severities 1 to 5. The interval is as wide as it can be: as "
                   "if all conditions, which are of the same images, erred together."),
            Figure("Unchanged accuracy", share(base.value), f"{share(base.low)} to {share(base.high)}, n {base.n:,}",
                   "On the same images as they are; 95 % Wilson interval."),
            Figure("Lost under shift", f"{100 * (base.value - found.mean):.1f} points", "unchanged minus mean",
                   "Percentage points of accuracy."),
            Figure("Measured", f"{len(found.shifts)}{part} shifts", f"on {SPLIT_WORDS[split]} images",
                   "Shifts whose five severities are all known; the mean is over these."),
        ],
        key="robustness_figures",
    )  # fmt: skip


def _table(view: View, matrices: Matrices) -> None:
    table = rates_table(matrices, view.names)
    shown = table[["shift", "severity", "strength", "images", ACCURACY]].copy()
    ends = zip(table["accuracy low"], table["accuracy high"], strict=True)
    shown["95 %"] = [f"{share(low)} to {share(high)}" for low, high in ends]
    shown = pd.concat([shown, table[view.names]], axis=1)
    rate = st.column_config.NumberColumn(format="%.4f")
    st.subheader("All conditions", anchor=False)
    st.dataframe(
        shown, hide_index=True, placeholder="–", key="robustness_table",
        column_config={
            "shift": st.column_config.TextColumn(pinned=True),
            "strength": st.column_config.TextColumn(width=230),
            **dict.fromkeys((ACCURACY, *view.names), rate),
        },
        alt="Accuracy and each class's sensitivity of every shift and severity",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{view.trial_id}-robustness", "robustness_csv")
        st.caption("A class's column is its sensitivity; the CSV has the counts and intervals of each.")

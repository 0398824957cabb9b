"""ROC and precision-recall curves, and the areas under them as a table."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.charts.precision_recall import precision_recall
from pages.charts.roc import roc
from pages.charts.wording import missing, share
from pages.components import evaluate_tables
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.evaluate_view import View


def curves(view: View) -> None:
    """Both charts side by side, then every area with its interval and the method of it."""
    found = view.areas
    if found is None:
        return
    table = evaluate_tables.areas_table(*found, view.true, view.names)
    grid = st.grid(2, min_column_width=400)
    with grid.cell():
        st.subheader("ROC, each class against the rest", anchor=False)
        points = evaluate_tables.roc_points(view.true, view.probabilities, view.names)
        show(
            draw(roc, points, evaluate_tables.legend(table, "AUC")), key="roc",
            alt="ROC curve of each class against the rest, micro and macro, with the area under each in the legend",
        )  # fmt: skip
    with grid.cell():
        st.subheader("Precision and recall", anchor=False)
        points = evaluate_tables.precision_recall_points(view.true, view.probabilities, view.names)
        show(
            draw(precision_recall, points, evaluate_tables.legend(table, "average precision")), key="precision_recall",
            alt="Precision-recall curve of each class against the rest, with the average precision in the legend",
        )  # fmt: skip
    st.subheader("Areas", anchor=False)
    shown = table[["name", "AUC"]].copy()
    for figure in ("AUC", "average precision"):
        shown[figure] = table[figure]
        ends = zip(table[f"{figure} low"], table[f"{figure} high"], strict=True)
        shown[f"{figure} 95 %"] = ["" if missing(low) else f"{share(low)} to {share(high)}" for low, high in ends]
        shown[f"{figure} by"] = table[f"{figure} interval by"]
    shown = shown.assign(images=table["images"], others=table["others"].astype("Int64"))
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        shown, hide_index=True, placeholder="–", key="areas",
        column_config={
            "name": st.column_config.TextColumn("class", pinned=True),
            "AUC": number, "average precision": number,
            "AUC by": st.column_config.TextColumn("interval by", width=270),
            "average precision by": st.column_config.TextColumn("interval by", width=270),
            "images": st.column_config.NumberColumn(help="images of the class; of micro and macro all images"),
            "others": st.column_config.NumberColumn(help="images of all other classes"),
        },
        alt="Areas under the ROC and precision-recall curves with 95 % intervals and the images behind them",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{view.file_name}-areas", "areas_csv")
        st.caption(
            "Micro pools all decisions (each image once for every class), macro is the plain mean of the classes. "
            "An area of 1 or 0 has an exact interval (Clopper-Pearson), since DeLong's has no width there: it assumes "
            "nothing about the scores, and is wider. Precision falls with the share of a class among the images, ROC "
            "does not." + without_images(view.true, view.names)
        )


def without_images(true: evaluate_tables.Ints, names: list[str]) -> str:
    """Why some areas are missing; nothing where none is. `true` are class indices (n,)."""
    support = np.bincount(true, minlength=len(names))
    absent = [name for name, images in zip(names, support, strict=True) if not images]
    alone = [name for name, images in zip(names, support, strict=True) if images == len(true)]
    if alone:
        return (
            f" All images are of {alone[0]}: no class has an area, and neither has the mean; micro pools what there is."
        )
    if absent:
        return (
            f" No image is of {' or '.join(absent)}: no area there and no macro, since a mean over fewer classes would "
            "not compare; micro pools the others' images."
        )
    return ""

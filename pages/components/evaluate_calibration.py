"""Whether the probabilities can be taken at their word: reliability diagram, calibration error, bins."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.evaluation.calibration import BINS, Reliability
from core.evaluation.calibration import reliability as measure
from core.evaluation.intervals import wilson
from pages.charts import reliability
from pages.charts.wording import share
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.evaluate_tables import bins_table
from pages.components.evaluate_view import View
from pages.components.figures import Figure, figure_row

CHOICES = [5, 10, 15, 20]


def calibration(view: View) -> None:
    """Figures, a sentence on what they allow to say, diagram and bins."""
    confidence = view.probabilities.max(axis=1)
    right = view.probabilities.argmax(axis=1) == view.true
    bins = st.segmented_control(
        "Bins of equal width", CHOICES, default=BINS, required=True, key="bins", bind="query-params",
        help="The error depends on them: more bins hold fewer images each.",
    ) or BINS  # fmt: skip
    found = measure(confidence, right, bins)
    accuracy, mean, n = float(right.mean()), float(confidence.mean()), len(right)
    figure_row(
        [
            Figure("Calibration error (ECE)", share(found.error), f"{bins} bins of equal width, n {n:,}",
                   "Mean over the images of the gap between accuracy and probability in their bin, top label only."),
            Figure("By chance alone", share(found.chance), "or less, in 95 % of samples",
                   f"What a calibrated model with these probabilities would show in {n:,} images: consistency "
                   "resampling, 1,000 redraws, seed 0."),
            Figure("Mean probability", share(mean), f"accuracy {share(accuracy)}, n {n:,}",
                   "Of the class that each image is called; a calibrated model is right as often as that."),
        ],
        key="calibration_figures",
    )  # fmt: skip
    st.write(verdict(found, accuracy, mean, n))
    table = bins_table(found)
    grid = st.grid(2, min_column_width=400)
    show(
        draw(reliability.reliability, table), key="reliability", place=grid,
        alt="Reliability diagram: share called right against the mean probability in each bin, and the images a bin",
    )  # fmt: skip
    rate = st.column_config.NumberColumn(format="%.4f")
    cell = grid.cell()
    cell.dataframe(
        table, hide_index=True, placeholder="–", key="bins_table",
        column_config={
            "low": st.column_config.NumberColumn("from", format="%.2f"),
            "high": st.column_config.NumberColumn("to", format="%.2f"),
            **dict.fromkeys(("confidence", "accuracy", "accuracy low", "accuracy high"), rate),
        },
        alt="Bins of the reliability diagram with their images, mean probability and accuracy",
    )  # fmt: skip
    with cell:
        csv_button(lambda: table, f"{view.file_name}-reliability", "bins_csv")


def verdict(found: Reliability, accuracy: float, mean: float, n: int) -> str:
    """What so many images allow to say about the calibration, in a sentence."""
    few = int(np.sum((found.images > 0) & (found.images < 10)))
    thin = f" {few} of the bins {'holds' if few == 1 else 'hold'} fewer than 10 images." if few else ""
    if found.error <= found.chance:
        return (
            f"The error of {found.error:.4f} is within what a calibrated model would show by chance in {n:,} images "
            f"({found.chance:.4f}): they do not show that the probabilities are off.{thin}"
        )
    low, high = wilson(round(accuracy * n), n)
    way = "too sure on average" if mean > high else "not sure enough on average"
    if low <= mean <= high:
        way = "too sure in some bins and not sure enough in others"
    return (
        f"The error of {found.error:.4f} is more than a calibrated model would show by chance in {n:,} images "
        f"({found.chance:.4f}): the probabilities are off, {way}.{thin}"
    )

"""The parts of the Evaluate page that counts are enough for: headline figures, Table 4, exports."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.intervals import Estimate
from pages.charts.rates import class_rates
from pages.charts.wording import loss, missing, share
from pages.components import outcome
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.evaluate_view import SPLIT_WORDS, View, scores
from pages.components.facts import accuracy_interval
from pages.components.figures import Figure, figure_row
from pages.components.leak_warning import leak_warning
from pages.components.shortcut_badge import shortcut_line


def figures(view: View) -> None:
    """Accuracy, loss, macro specificity and macro AUC, with intervals and the images on which they rest."""
    lost, accuracy = scores(view)
    words = SPLIT_WORDS[view.split]
    shown = [
        Figure("Accuracy", share(accuracy), _on(accuracy_interval(accuracy, view.n) or "interval unknown", view.n),
               f"Share of the {words} images called right; below it the 95 % Wilson interval and the images."),
        Figure("Loss", loss(lost), "not reported" if missing(lost) else _on("mean per image", view.n),
               "Mean cross-entropy per image."),
    ]  # fmt: skip
    if view.counted:
        macro, areas = view.macro, view.areas
        average = outcome.table4(view.rows).iloc[-1]
        specificity = None if macro is None else macro["specificity"]
        auc = None if areas is None else areas[0].macro
        shown += [
            Figure("Macro specificity", share(average["specificity"]), _on(bounds(specificity), view.n),
                   f"Plain mean of {len(view.rows)} specificities; {_by(specificity)}"),
            Figure("Macro AUC", share(average["AUC"] if auc is None else auc.value), _on(bounds(auc), view.n),
                   f"Plain mean of {len(view.rows)} areas under the ROC curve, one against the rest; {_by(auc)}"),
        ]  # fmt: skip
    number = "–" if view.n is None else f"{view.n:,}"
    shown.append(Figure("Images", number, f"in the {words} split", "All rates here rest on them."))
    figure_row(shown, key="evaluate_figures")
    shortcut_line(view.search["dataset_id"], accuracy, f"this trial on {view.split}")
    leak_warning(view.search["dataset_id"])


def _on(words: str, n: int | None) -> str:
    """With the number of images that a figure rests on."""
    return words if n is None else f"{words}, n {n:,}"


def bounds(one: Estimate | None) -> str:
    """'0.9867 to 0.9991', or that it is not known."""
    return "interval unknown" if one is None or missing(one.low) else f"{share(one.low)} to {share(one.high)}"


def _by(one: Estimate | None) -> str:
    return "no interval without single images." if one is None else f"95 % interval by {one.method}."


def per_class(view: View) -> None:
    """Table 4 with its macro row and its CSV, and the rates with their intervals."""
    areas = view.areas
    table = outcome.table4(view.rows, None if areas is None else areas[0], view.macro)
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.4f")
        for name in ("AUC", "precision", "recall", "F1", "specificity")
    }
    columns["class"] = st.column_config.TextColumn(pinned=True)
    columns["n"] = st.column_config.NumberColumn(help="images of the class; in the last row all images")
    st.dataframe(
        _with_bounds(table), hide_index=True, column_config=columns, placeholder="–", key="table4",
        alt="Table 4: AUC, precision, recall, F1 and specificity of each class with intervals, and their means",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{view.file_name}-table4", "table4_csv")
        st.caption(_below_table4(view))
    show(
        draw(class_rates, outcome.rates(view.rows)), key="rates",
        alt="Recall, precision and specificity of each class with 95 % Wilson intervals",
    )  # fmt: skip


def _with_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """Each `... low` and `... high` as one column of text after its figure; a column that says nothing is left out."""
    out = pd.DataFrame(index=table.index)
    for name in table.columns:
        if name.endswith(" low"):
            label = name.removesuffix(" low")
            ends = zip(table[name], table[f"{label} high"], strict=True)
            words = ["" if missing(low) else f"{share(low)} to {share(high)}" for low, high in ends]
            if any(words):
                out[f"{label} 95 %"] = words
        elif not name.endswith(" high"):
            out[name] = table[name]
    return out


def _below_table4(view: View) -> str:
    """Which method is behind which interval."""
    words = ["Macro averages are plain means over the classes; a rate with nothing to divide by counts as 0."]
    by = ["Wilson for the rates of a class"]
    if view.areas is not None:
        methods = dict.fromkeys(one.method for one in view.areas[0].classes if one is not None)
        by += [f"{' or '.join(methods)} for its AUC"]
    if view.macro is not None:
        averages = [view.macro["specificity"], view.areas[0].macro if view.areas else None]
        methods = dict.fromkeys(one.method for one in averages if one is not None)
        by += [f"{' or '.join(methods)} for the averages"]
    words.append(f"95 % intervals: {'; '.join(by)}.")
    if view.published:
        words.append("AUC as reported by the study: a matrix does not give one.")
    return " ".join(words)


def spread(trials: pd.DataFrame) -> None:
    """How much the final trainings from different seeds differ on the test images."""
    finals = trials[(trials["coordinate"] == "final") & trials["test_accuracy"].notna()]
    if len(finals) < 2:
        return
    results = finals["test_accuracy"].astype(float)
    st.caption(
        f"{len(finals)} final trainings from different seeds: test accuracy {results.mean():.4f} on average, "
        f"{results.min():.4f} to {results.max():.4f}, standard deviation {results.std():.4f}."
    )


def predictions_csv(view: View) -> None:
    """Every image's probabilities, for work elsewhere."""
    if not view.single_images:
        return

    def content() -> pd.DataFrame:
        wide = pd.DataFrame(view.probabilities.astype("float32"), columns=[f"p_{name}" for name in view.names])
        head = view.images.reset_index(drop=True).assign(true_class=[view.names[index] for index in view.true])
        return pd.concat([head, wide], axis=1)

    name = f"{view.file_name}-predictions"
    csv_button(content, name, "predictions_csv", label="Every image's probabilities (CSV)")

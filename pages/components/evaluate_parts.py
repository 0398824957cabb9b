"""The parts of the Evaluate page: headline figures, Table 4, exports."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import loss, missing, share
from pages.components import outcome
from pages.components.facts import accuracy_interval, split_images
from pages.components.figures import Figure, figure_row


def figures(search: dict[str, Any], trial: dict[str, Any], split: str, rows: pd.DataFrame) -> None:
    """Accuracy, loss, macro specificity and macro AUC, with the images on which they rest."""
    known = outcome.counted(rows)
    images = int(rows["support"].sum()) if known else split_images(search["dataset_id"], split)
    accuracy = trial[f"{split}_accuracy"]
    if missing(accuracy) and known:
        accuracy = outcome.rates_of(rows).accuracy
    shown = [
        Figure("Accuracy", share(accuracy), accuracy_interval(accuracy, images) or "interval unknown",
               "Share of the images called right; below it the 95 % Wilson interval."),
        Figure("Loss", loss(trial[f"{split}_loss"]), "mean per image", "Mean cross-entropy per image."),
    ]  # fmt: skip
    if known:
        average = outcome.table4(rows).iloc[-1]
        shown += [
            Figure("Macro specificity", share(average["specificity"]), f"mean of {len(rows)} classes",
                   "The plain mean of the classes' specificities."),
            Figure("Macro AUC", share(average["AUC"]), f"{len(rows)} classes, one vs rest",
                   "The plain mean of the classes' areas under the ROC curve."),
        ]  # fmt: skip
    number = "–" if images is None else f"{images:,}"
    shown.append(Figure("Images", number, f"in the {_SPLIT_WORDS[split]} split", "All rates here rest on them."))
    figure_row(shown, key="evaluate_figures")


_SPLIT_WORDS = {"test": "test", "val": "validation"}


def spread(trials: pd.DataFrame) -> None:
    """How much the final trainings from different seeds differ on the test images."""
    finals = trials[(trials["coordinate"] == "final") & trials["test_accuracy"].notna()]
    if len(finals) < 2:
        return
    scores = finals["test_accuracy"].astype(float)
    st.caption(
        f"{len(finals)} final trainings from different seeds: test accuracy {scores.mean():.4f} on average, "
        f"{scores.min():.4f} to {scores.max():.4f}, standard deviation {scores.std():.4f}."
    )


def table4(rows: pd.DataFrame, name: str, *, reported_auc: bool) -> None:
    """Table 4 with its macro row, and its CSV."""
    table = outcome.table4(rows)
    columns: dict[str, Any] = {
        column: st.column_config.NumberColumn(format="%.4f") for column in table.columns if column not in ("class", "n")
    }
    columns["n"] = st.column_config.NumberColumn(help="images of the class; in the last row all images")
    st.dataframe(
        table, hide_index=True, column_config=columns, placeholder="–", key="table4",
        alt="Table 4: AUC, precision, recall, F1 and specificity of each class, and their means",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV", lambda: table.to_csv(index=False), f"{name}-table4.csv", "text/csv", icon=":material/download:",
            on_click="ignore", key="table4_csv",
        )  # fmt: skip
        words = "Macro averages are plain means over the classes; a rate with nothing to divide by counts as 0."
        st.caption(words + (" AUC as reported by the study: a matrix does not give one." if reported_auc else ""))


def predictions_csv(predictions: pd.DataFrame, classes: list[str], name: str) -> None:
    """Every image's probabilities, for work elsewhere."""
    if predictions.empty:
        return

    def content() -> str:
        wide = pd.DataFrame(predictions["probabilities"].tolist(), columns=[f"p_{cls}" for cls in classes])
        head = predictions.drop(columns="probabilities").reset_index(drop=True)
        return pd.concat([head, wide], axis=1).to_csv(index=False)

    st.download_button(
        "Every image's probabilities (CSV)", content, f"{name}-predictions.csv", "text/csv",
        icon=":material/download:", on_click="ignore", key="predictions_csv",
    )  # fmt: skip

"""The scores of the compared trials on one split: which leads, with intervals and the difference to the baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.charts.intervals import intervals
from pages.charts.wording import change, missing, share
from pages.components.compare_choice import choose
from pages.components.compare_facts import ROW, WORDS, Chosen, scores, table_height
from pages.components.compare_pairs import told
from pages.components.compare_settings import settings_view
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.external_view import ELSEWHERE_HELP, compare_columns
from pages.components.robustness_tables import mean_under_shift
from pages.components.shortcut_badge import audits, shortcut_badge, shortcut_line

DRAWN = 20  # trials in the chart of intervals
DIFFERENCES = {  # column of the scores -> (its name, the name of its difference)
    "accuracy": ("accuracy", "Δ accuracy"), "loss": ("loss", "Δ loss"),
    "specificity": ("macro specificity", "Δ specificity"), "recall": ("macro recall", "Δ recall"),
    "f1": ("macro F1", "Δ F1"), "auc": ("macro AUC", "Δ AUC"),
}  # fmt: skip
TABLE = "compare_metrics"


def metrics_table(chosen: Chosen, own: pd.DataFrame) -> pd.DataFrame:
    """A row a trial, index trial_id: each score with its difference to the baseline's. `own` as from `scores`."""
    rows, other = chosen.rows, "test" if chosen.split == "val" else "val"
    table: dict[str, Any] = {
        "trial": [("◇ " if id_ == chosen.baseline else "") + name for id_, name in chosen.names.items()],
        "change": [change(row) for row in rows.to_dict("records")],
    }
    base = own.loc[chosen.baseline]
    for column, (name, difference) in DIFFERENCES.items():
        table[name] = own[column]
        table[difference] = (own[column] - base[column]).where(own.index != chosen.baseline)
        if column == "accuracy":
            bounds = zip(own["low"], own["high"], strict=True)
            table["95 % interval"] = ["" if missing(low) else f"{share(low)} to {share(high)}" for low, high in bounds]
            table["images"] = own["n"].astype("Int64")
            table |= compare_columns(chosen.ids)  # where it is seen beside the accuracy
    seconds = rows["seconds"].astype(float)
    table |= {
        "train accuracy": rows["train_accuracy"], "train loss": rows["train_loss"],
        f"{other} accuracy": rows[f"{other}_accuracy"], f"{other} loss": rows[f"{other}_loss"],
        "s an epoch": seconds, "Δ s": (seconds - seconds[chosen.baseline]).where(rows.index != chosen.baseline),
        "epochs done": rows["epochs_done"], "status": rows["status"].str.lower(),
    }  # fmt: skip
    shifted = mean_under_shift(read("robustness", chosen.ids))
    if len(shifted):
        table["accuracy under shift"] = shifted.reindex(rows.index)
    return pd.DataFrame(table, index=rows.index)


def overview(chosen: Chosen) -> None:
    """Chart and table of the scores, then the settings."""
    own = scores(chosen.rows, chosen.split)
    _lead(chosen, own)
    _shortcuts(chosen, own)
    drawn = chosen.few(DRAWN)
    table = own.loc[drawn].assign(trial_id=drawn, name=[chosen.names[id_] for id_ in drawn])
    show(
        draw(
            intervals, table.rename(columns={"accuracy": "value"}),
            title=f"{WORDS[chosen.split]} accuracy, 95 % interval", baseline=chosen.baseline,
        ),
        key="intervals", alt=f"Accuracy on the {WORDS[chosen.split]} images of each trial with its 95 % interval",
    )  # fmt: skip
    if len(drawn) < len(chosen.rows):
        st.caption(f"Drawn: the baseline and the best {len(drawn) - 1} on validation; the table has all.")
    _table(chosen, metrics_table(chosen, own))
    settings_view(chosen)


def _lead(chosen: Chosen, own: pd.DataFrame) -> None:
    """One sentence on the best of them, and one on whether it differs from the baseline."""
    best = chosen.best
    if best is None:
        st.caption("None of these trials has finished with a validation result, so none is called the best.")
        return
    row = own.loc[best].to_dict()
    name = chosen.names[best]
    equal = int((chosen.scores == chosen.scores[best]).sum()) - 1
    words = f"Best on validation: **{name}**{f' (with {equal} equal to it)' if equal else ''}; "
    if missing(row["accuracy"]):
        words += f"it has no {WORDS[chosen.split]} result yet."
    else:
        images = "" if missing(row["n"]) else f" on {int(row['n'])} images"
        bounds = "" if missing(row["low"]) else f" (95 % interval {share(row['low'])} to {share(row['high'])})"
        words += f"its {WORDS[chosen.split]} accuracy is {share(row['accuracy'])}{images}{bounds}."
    if best == chosen.baseline:
        words += " It is the baseline."
    else:
        base = chosen.names[chosen.baseline]
        words += " " + (told(chosen, best) or f"It cannot be tested against {base} image by image.")
    st.markdown(words, anchors=False)
    data = chosen.rows["dataset_id"].nunique()
    if data > 1:
        st.caption(f"These trials were judged on the images of {data} data sets, so they differ by their data too.")


def _shortcuts(chosen: Chosen, own: pd.DataFrame) -> None:
    """A badge a dataset, for the best of its trials on validation."""
    if chosen.rows["dataset_id"].nunique() == 1:
        shortcut_line(chosen.rows["dataset_id"].iloc[0], own.loc[chosen.best or chosen.baseline, "accuracy"],
                      f"{chosen.names[chosen.best or chosen.baseline]} on {chosen.split}")  # fmt: skip
        return
    known = audits()
    with st.container(horizontal=True, vertical_alignment="center"):
        for dataset_id, rows in chosen.rows.groupby("dataset_id", sort=False, dropna=False):
            scores = chosen.scores[rows.index].dropna()
            best = str(rows.index[0] if scores.empty else scores.idxmax())
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
                shortcut_badge(
                    dataset_id, own.loc[best, "accuracy"], f"{chosen.names[best]} on {chosen.split}", known=known
                )
                st.caption(chosen.names[best], width="content")


def _table(chosen: Chosen, table: pd.DataFrame) -> None:
    columns: dict[str, Any] = {
        "trial": st.column_config.TextColumn(pinned=True, width=190),
        "images": st.column_config.NumberColumn(help="on which accuracy, macro rates and the interval rest"),
        "95 % interval": st.column_config.TextColumn(help="Wilson interval of the accuracy"),
        "s an epoch": st.column_config.NumberColumn(format="%.1f", help="median over the epochs trained, in seconds"),
        "Δ s": st.column_config.NumberColumn(format="%+.1f"),
        "accuracy under shift": st.column_config.NumberColumn(
            format="%.4f", help="mean over all shifts and severities of the tab Robustness of Evaluate; never chosen by"
        ),
    }
    for name in table.columns:
        if name.startswith("on "):
            columns[name] = (
                st.column_config.NumberColumn(format="%.4f", help=ELSEWHERE_HELP)
                if table[name].dtype == np.float64
                else st.column_config.TextColumn(help=ELSEWHERE_HELP)
            )
    plain, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    for name in table.columns:
        if name not in columns and table[name].dtype == np.float64:
            columns[name] = signed if name.startswith("Δ") else plain
    state: Any = st.dataframe(
        table, hide_index=True, column_config=columns, placeholder="–", key=f"{TABLE}_{chosen.split}",
        on_select="rerun", selection_mode="multi-row", row_height=ROW, height=table_height(table),
        alt=f"Scores of the compared trials on the {WORDS[chosen.split]} images, with the difference to the baseline",
    )  # fmt: skip
    picked = [str(table.index[at]) for at in state["selection"]["rows"] if at < len(table)]
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table.reset_index(names="trial_id"), f"compare-{chosen.split}")
        if picked:
            st.button(
                f"Compare only these {len(picked)}", icon=":material/filter_alt:", on_click=choose, args=(picked,)
            )
        published = "published" in set(chosen.rows["origin"])
        st.caption(
            "◇ baseline; Δ the difference to it. Macro: plain mean over the classes. Tick rows to keep only those."
            + (" Published trials: as far as the study prints numbers." if published else "")
        )  # fmt: skip

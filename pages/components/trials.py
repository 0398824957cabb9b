"""The trials of a search as Table 3, and one trial in detail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.paths import log_file, trial_name
from pages.charts.curves import curve
from pages.charts.wording import missing, point
from pages.components.choose import pick_trial
from pages.components.csv_button import csv_button
from pages.components.data import home, read
from pages.components.drawing import draw, show
from pages.components.list_order import with_trial_notes
from pages.components.summary import CLOSE_CALL, close_calls, table3

LOG_BYTES = 2500
ROW = 33  # px


def table(search: dict[str, Any], trials: pd.DataFrame, cycles: pd.DataFrame) -> None:
    """Table 3 filling up; a click on a row shows that trial below."""
    rows = table3(trials, close_calls(cycles, trials), search["best_trial_id"])
    rows = with_trial_notes(rows, read("notes", search["search_id"]))
    share = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        rows,
        hide_index=True,
        key="table3",
        on_select=lambda: _picked(list(rows.index)),
        selection_mode="single-row",
        row_height=ROW,
        height=ROW * (min(len(rows), 24) + 1) + 3,  # given, so that nothing moves when the browser has drawn it
        placeholder="",
        alt="Table 3 of this search: its trials with settings, losses and accuracies",
        column_config={
            "trial": st.column_config.TextColumn(pinned=True),
            "learning rate": st.column_config.NumberColumn(format="%.0e"),
            "95 % interval": st.column_config.TextColumn(help="Wilson interval of the val accuracy"),
            "mark": st.column_config.TextColumn(width=130),
            "tags": st.column_config.ListColumn(width=150),
            "done": st.column_config.NumberColumn(help="epochs finished"),
            "reused": st.column_config.NumberColumn(help="epochs continued from an earlier trial"),
            **{name: share for name in rows.columns if name.endswith(("accuracy", "loss"))},
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(rows.to_csv, f"{search['search_id']}-table3", "table3_csv")
        _compare_link(search, list(rows.index))
        st.caption(
            f"**{CLOSE_CALL}**: the second best of that cycle scored within the winner's 95 % interval, so "
            "the images do not tell the two apart. Losses are means per image"
            + (
                "; the study prints its train loss divided by the batch size."
                if search["origin"] == "published"
                else "."
            )
        )


def detail(trial: dict[str, Any]) -> None:
    """Curves of one trial, why it failed, and the tail of its log."""
    st.caption(point(trial) + (f", seed {trial['seed']}" if not missing(trial["seed"]) else ""))
    if not missing(trial["error"]):
        st.error(str(trial["error"]), icon=":material/error:")
    epochs = read("epochs", [trial["trial_id"]], ["train", "val"])
    reused = 0 if missing(trial["reused_epochs"]) else int(trial["reused_epochs"])
    if epochs["epoch"].nunique() == 1 and missing(trial["started_at"]):
        st.info("Only the last epoch of this trial is published, so it has no curve.", icon=":material/menu_book:")
    else:
        grid = st.grid(2, min_column_width=400)
        for metric in ("loss", "accuracy"):
            show(
                draw(curve, epochs, metric, asked=int(trial["epochs"]), reused=reused),
                key=f"curve_{metric}", place=grid,
                alt=f"{metric.capitalize()} of training and validation at each epoch of {trial['trial_id']}",
            )  # fmt: skip
    log_view("Log of this trial", str(trial["search_id"]), trial_name(str(trial["trial_id"])))


def log_view(title: str, search_id: str, name: str) -> None:
    """The tail of a log, folded away; nothing where there is none (a search that ran on another machine)."""
    tail = log_tail(log_file(home(), search_id, name))
    if tail:
        with st.expander(title, icon=":material/article:", key=title):
            st.code(tail, language=None, wrap_lines=True)


def log_tail(path: Path) -> str:
    """The last lines of a log, whole ones only; '' when there is none."""
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            file.seek(max(0, length - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()
    return "\n".join(lines[1:] if length > LOG_BYTES else lines).strip()


def _compare_link(search: dict[str, Any], trial_ids: list[str]) -> None:
    """To Compare: the picked trial with the best one, or else all of this search with it."""
    picked, best = st.query_params.get("trial"), search["best_trial_id"]
    one = picked in trial_ids and not missing(best) and picked != best
    link = {"trials": f"{best},{picked}" if one else str(search["search_id"])}
    if not missing(best):
        link["baseline"] = str(best)
    label = "Compare with the best" if one else "Compare all"
    st.page_link("compare.py", label=label, icon=":material/compare_arrows:", query_params=link)


def _picked(trial_ids: list[str]) -> None:
    rows = st.session_state["table3"]["selection"]["rows"]
    if rows and rows[0] < len(trial_ids):
        pick_trial(trial_ids[rows[0]])

"""Rates of each class of the compared trials, with their intervals."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.charts.class_bars import class_bars
from pages.components.compare_facts import BOUND, WORDS, Chosen
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.outcome import RATE_COLUMNS, rates

RATES = {"recall": "Recall (sensitivity)", "precision": "Precision", "specificity": "Specificity"}


def class_rates(ends: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """Recall, precision and specificity with 95 % Wilson intervals, a row a trial, class and rate.

    `ends` as from `queries.class_ends`; trials in the order of `ids`, those without counts left out. Columns: trial_id
    and those of `outcome.rates`.
    """
    known = ends[ends["tp"].notna()]
    parts = {str(trial_id): part for trial_id, part in known.groupby("trial_id", sort=False)}
    found = [rates(parts[trial_id]).assign(trial_id=trial_id) for trial_id in ids if trial_id in parts]
    columns = ["trial_id", *RATE_COLUMNS]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def classes_view(chosen: Chosen) -> None:
    """One rate of every class and trial, and all of them as a table."""
    rate = st.segmented_control(
        "Rate", list(RATES), format_func=RATES.__getitem__, default="recall", required=True, key="rate",
        **BOUND,
    )  # fmt: skip
    rate = rate or "recall"
    drawn = chosen.bold
    ends = read("class_ends", chosen.ids, chosen.split)
    table = class_rates(ends, drawn)
    names = {trial_id: chosen.names[trial_id] for trial_id in drawn}
    shown = table[table["rate"] == rate]
    title = f"{rate} on {WORDS[chosen.split]}, 95 % Wilson interval"
    show(
        draw(class_bars, shown, names, title=title), key="class_bars",
        alt=f"{RATES[rate]} of each class and trial on the {WORDS[chosen.split]} images, with its 95 % interval",
    )  # fmt: skip
    if shown.empty:
        return
    notes = []
    known = set(shown["trial_id"])
    absent = [name for trial_id, name in names.items() if trial_id not in known]
    if absent:
        more = f" and {len(absent) - 1} more" if absent[1:] else ""
        notes.append(f"No per-class results on {WORDS[chosen.split]} of {absent[0]}{more}.")
    if len(drawn) < len(chosen.rows):
        notes.append(f"Drawn: the baseline and the best {len(drawn) - 1} on validation; the CSV has all.")
    _table(shown, names)
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: _named(class_rates(ends, chosen.ids), chosen.names), f"compare-classes-{chosen.split}")
        st.caption(" ".join(["A rate of no images has no value.", *notes]))


def _table(shown: pd.DataFrame, names: dict[str, str]) -> None:
    table = _named(shown, names).drop(columns=["trial_id", "rate"])
    table = table.rename(columns={"value": str(shown["rate"].iloc[0]), "successes": "right"})
    share = st.column_config.NumberColumn(format="%.4f")
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(
            table, hide_index=True, placeholder="–", key="class_table",
            column_config={name: share for name in table.columns if table[name].dtype == float},
            alt="The same rates as numbers: trial, class, rate, interval, images",
        )  # fmt: skip


def _named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return table.assign(trial=table["trial_id"].map(names))[["trial", *table.columns]]

"""With what the compared trials were trained, side by side, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.learning.settings import TrialSettings
from pages.charts.wording import LONG, missing, value
from pages.components.compare_facts import BOUND, ROW, Chosen, table_height
from pages.components.cost_tables import settled_weights
from pages.components.csv_button import csv_button
from pages.components.unpacked import unpacked

UNKNOWN = "–"
STYLED = 1500  # cells; marking each of more takes too long
MARK = "background-color: rgba(214, 125, 18, 0.22)"
_NAMES = {
    "learning_rate": "learning rate", "batch_size": "batch size", "image_size": "image size (px)",
    "weight_decay": "weight decay", "average": "weight averaging", "threads": "threads a trial",
}  # fmt: skip
_OF_SEARCH = {
    "preset": "preset", "calibration": "calibration split (%)", "validation": "validation split (%)",
    "test": "test split (%)", "per_class": "images a class",
}  # fmt: skip


def settings_of(row: Mapping[Any, Any]) -> dict[str, str]:
    """Every setting of one trial, by its name for people; what is not recorded is left out."""
    own, search = unpacked(row["settings"]), unpacked(row["search_settings"])
    settled, machine = unpacked(row["settled"]), unpacked(row["environment"])
    weights = settled_weights(settled, own.get("backbone"))
    point = {name: row[name] for name in ("learning_rate", "batch_size", "epochs", "seed") if not missing(row[name])}
    shared = {name: search[name] for name in TrialSettings.__dataclass_fields__ if name in search}
    moved = LONG.get(str(row["coordinate"]), row["coordinate"])
    found: dict[str, Any] = {
        **point, "moved": moved, "data": row["dataset_name"], "data id": row["dataset_id"],
        "initial weights": weights.get("origin") or search.get("weights"),
        "initial weights, SHA-256": (weights.get("sha256") or "")[:12] or None,
        **_flat({**shared, **own, **point}),  # a search's settings hold where its starts do not
    }  # fmt: skip
    found |= {label: search.get(name) for name, label in _OF_SEARCH.items()}
    found |= {
        "epochs taken over": row["reused_epochs"],
        "continues": None if missing(row["from_trial_id"]) else str(row["from_trial_id"]).partition(".")[2],
        "code": machine.get("code"), "Python": machine.get("python"), "processor": machine.get("processor"),
        **{f"package {name}": version for name, version in (machine.get("packages") or {}).items()},
    }  # fmt: skip
    return {_label(name): _text(name, entry) for name, entry in found.items() if not missing(entry)}


def settings_table(chosen: Chosen) -> pd.DataFrame:
    """A row a setting, a column a trial (what it is called), as text; '–' where it is not recorded."""
    columns = {
        name: settings_of(row) for name, row in zip(chosen.names.values(), chosen.rows.to_dict("records"), strict=True)
    }
    rows = list(dict.fromkeys(setting for column in columns.values() for setting in column))
    table = {name: [column.get(setting, UNKNOWN) for setting in rows] for name, column in columns.items()}
    return pd.DataFrame(table, index=pd.Index(rows, name="setting"))


def differing(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether a setting has more than one known value; an unknown one is not known to differ."""
    several = [len(set(cells) - {UNKNOWN}) > 1 for cells in table.to_numpy(object)]
    return pd.Series(several, index=table.index, dtype=bool)


def settings_view(chosen: Chosen) -> None:
    """Only what differs, or everything; what differs from the baseline is marked."""
    table = settings_table(chosen)
    differs = differing(table)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Settings", anchor=False)
        everything = st.toggle("All settings", key="all_settings", **BOUND)
    shown = table if everything else table[differs]
    if shown.empty:
        st.caption("No recorded setting differs between these trials.")
        return
    marked = marks(shown, chosen.names[chosen.baseline])
    styled: Any = shown.style.apply(lambda _: marked, axis=None) if shown.size <= STYLED else shown
    st.dataframe(
        styled, key=f"settings_{everything}", row_height=ROW, height=table_height(shown, most=18),
        column_config={"_index": st.column_config.TextColumn(pinned=True)},
        alt="Settings of the compared trials, a column a trial; what differs from the baseline is marked",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table.assign(differs=differs).reset_index(), "compare-settings")
        st.caption(_note(table, differs, chosen.names[chosen.baseline], bool(everything)))


def marks(shown: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """The style of each cell: marked where a known value is another than the baseline's known one."""
    cells, own = shown.to_numpy(str), shown[[baseline]].to_numpy(str)
    other = (cells != own) & (cells != UNKNOWN) & (own != UNKNOWN)
    return pd.DataFrame(np.where(other, MARK, ""), index=shown.index, columns=shown.columns)


def _note(table: pd.DataFrame, differs: pd.Series[bool], baseline: str, everything: bool) -> str:
    partly = int(((table == UNKNOWN).any(axis=1) & ~differs).sum())
    words = f"{int(differs.sum())} of {len(table)} settings differ. Marked: other than in the baseline, {baseline}."
    if partly and not everything:
        words += f" Not recorded for every trial, so only under all settings: {partly}."
    return words


def _label(name: str) -> str:
    if name.startswith("augment."):
        return "augmentation, " + name.removeprefix("augment.").replace("_", " ")
    return _NAMES.get(name, name.replace("_", " "))


def _text(name: str, entry: Any) -> str:
    if isinstance(entry, bool):
        return "yes" if entry else "no"
    if isinstance(entry, int | float):
        return value(name, int(entry) if float(entry).is_integer() and abs(entry) < 1e15 else float(entry))
    return str(entry)


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in settings.items():
        if isinstance(inner, dict):
            flat |= {f"{name}.{key}": entry for key, entry in inner.items()}
        elif not isinstance(inner, list):
            flat[name] = inner
    return flat

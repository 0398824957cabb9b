"""The beginning of one dataset: what it is, how many images it has, and what can be done with it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.data_list import badges
from pages.components.figures import Figure, figure_row
from pages.components.shortcut_badge import shortcut_badge


def head(dataset: dict[str, Any], groups: pd.DataFrame) -> None:
    """Badges and the figures; `groups` as the query `image_groups` has them."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        badges(dataset)
        shortcut_badge(dataset["dataset_id"], None)
        st.caption(str(dataset["dataset_id"]))
    classes, bad = list(dataset["classes"]), dataset["bad"]
    sources = groups["source"].dropna().nunique()
    unknown = int(groups.loc[groups["source"].isna(), "images"].sum())
    figures = [
        Figure("Images", _number(dataset["images"]), f"{len(classes)} classes",
               "Files that can be used; those left out are not among them."),
        Figure("Left out", _number(bad), _left_out(bad), "Files that cannot be used, listed with the reason.",
               bad=not missing(bad) and int(bad) > 0),
        Figure("Split", str(dataset["split_origin"] or "–"), _split(dataset),
               "Whether folders named train, val and test gave the split, or it was made from a seed."),
        Figure("Sources", str(sources) if sources else "–", f"{unknown:,} images without" if unknown else "all known",
               "Hospitals or sets that images come from, by a manifest, a guess or a person: see Shortcut audit."),
        Figure("Searches", _number(dataset["searches"]), "use it", "Searches that train on it."),
    ]  # fmt: skip
    if groups.empty:
        del figures[3]
    figure_row(figures, key="data_figures")


def _number(value: Any) -> str:
    return "–" if missing(value) else f"{int(value):,}"


def _left_out(bad: Any) -> str:
    if missing(bad):
        return "not known"
    return "file, with its reason" if int(bad) == 1 else "files, with reasons" if bad else "every file can be used"


def _split(dataset: dict[str, Any]) -> str:
    if dataset["split_origin"] == "given":
        return "by the study" if missing(dataset["root"]) else "by its folders"
    return "seed unknown" if missing(dataset["split_seed"]) else f"with seed {int(dataset['split_seed'])}"

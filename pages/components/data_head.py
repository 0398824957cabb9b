"""The beginning of one dataset: what it is, how many images it has, and what can be done with it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.data_list import badges
from pages.components.figures import Figure, figure_row


def head(dataset: dict[str, Any], groups: pd.DataFrame) -> None:
    """Badges and the figures; `groups` as the query `image_groups` has them."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        badges(dataset)
        st.caption(f"`{dataset['dataset_id']}`")
    classes, bad = list(dataset["classes"]), dataset["bad"]
    sources = groups["source"].dropna().nunique()
    given = dataset["split_origin"] == "given"
    unknown = int(groups.loc[groups["source"].isna(), "images"].sum())
    figures = [
        Figure("Images", _number(dataset["images"]), f"{len(classes)} classes",
               "Files that can be used; those left out are not among them."),
        Figure("Left out", _number(bad), "files, with reasons", "Files that cannot be used, listed with the reason.",
               bad=not missing(bad) and int(bad) > 0),
        Figure("Split", "given" if given else "made", "by its folders" if given else _seed(dataset),
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


def _seed(dataset: dict[str, Any]) -> str:
    return "seed unknown" if missing(dataset["split_seed"]) else f"with seed {int(dataset['split_seed'])}"

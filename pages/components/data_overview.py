"""What one dataset holds: classes and splits, sources, sizes, where it lies, and the searches on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import SPLITS
from pages.charts.dataset import size_bubbles, split_bars
from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.drawing import draw, show

ALL = "all"
NOT_KNOWN = "not known"
SHOWN = 8  # searches at once
NO_LIST = (
    "There is no list of its images: the study tells how many there are, not which. So there is nothing to look at, "
    "to audit or to check here."
)


def section(dataset_id: str) -> None:
    dataset, groups = record("dataset", dataset_id) or {}, read("image_groups", dataset_id)
    classes = [str(name) for name in dataset["classes"]]
    if groups.empty:
        st.info(NO_LIST, icon=":material/info:")
    else:
        _counts(dataset_id, groups, classes)
        grid = st.grid(2, min_column_width=400, gap="large")
        with grid.cell():
            _sources(dataset_id, groups, classes)
        with grid.cell():
            _sizes(dataset_id, read("image_sizes", dataset_id), classes)
    grid = st.grid(2, min_column_width=400, gap="large")
    with grid.cell():
        _facts(dataset)
    with grid.cell():
        _searches(dataset_id)


def split_table(groups: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Images of each class in each split that there is, with sums: class, a column a split, all."""
    table = groups.pivot_table(index="class", columns="split", values="images", aggfunc="sum", fill_value=0)
    table = table.reindex(index=classes, columns=[split for split in SPLITS if split in table], fill_value=0)
    table[ALL] = table.sum(axis=1)
    table.loc[ALL] = table.sum(axis=0)
    return table.astype(int).rename_axis("class").reset_index().rename_axis(columns=None)


def source_table(groups: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Images of each source in each class, with sums: source, a column a class, all; the unknown source last."""
    named = groups.assign(source=groups["source"].fillna(NOT_KNOWN))
    table = named.pivot_table(index="source", columns="class", values="images", aggfunc="sum", fill_value=0)
    known = sorted(name for name in table.index if name != NOT_KNOWN)
    table = table.reindex(index=known + [NOT_KNOWN] * (NOT_KNOWN in table.index), columns=classes, fill_value=0)
    table[ALL] = table.sum(axis=1)
    return table.astype(int).rename_axis("source").reset_index().rename_axis(columns=None)


def size_sentence(sizes: pd.DataFrame) -> str:
    """How many sizes there are, from which to which, in words."""
    if sizes.empty:
        return "The sizes of its images are not known."
    total, shapes = int(sizes["images"].sum()), sizes.groupby(["width", "height"])["images"].sum()
    shapes = shapes.sort_values(ascending=False)
    width, height = shapes.index[0]
    if len(shapes) == 1:
        return f"All {total:,} images are {width} x {height} px."
    longer, shorter = sizes[["width", "height"]].max(axis=1), sizes[["width", "height"]].min(axis=1)
    return (
        f"{len(shapes):,} sizes; the most frequent is {width} x {height} px ({int(shapes.iloc[0]):,} of {total:,} "
        f"images). Sides go from {shorter.min():,} to {longer.max():,} px."
    )


def _counts(dataset_id: str, groups: pd.DataFrame, classes: list[str]) -> None:
    grid = st.grid(2, min_column_width=400, gap="large")
    with grid.cell():
        st.markdown("**Classes and splits**", anchors=False)
        figure = draw(split_bars, groups.groupby(["class", "split"], as_index=False)["images"].sum(), classes)
        show(figure, key="split_bars", alt="Images of each class, by split")
    with grid.cell():
        st.markdown("**Images**", anchors=False)
        table = split_table(groups, classes)
        st.dataframe(table, hide_index=True, alt="Images of each class in each split", key="split_table")
        csv_button(lambda: table, f"{dataset_id}-splits")


def _sources(dataset_id: str, groups: pd.DataFrame, classes: list[str]) -> None:
    st.markdown("**Sources**", anchors=False)
    table = source_table(groups, classes)
    st.dataframe(
        table, hide_index=True, alt="Images of each source in each class", key="source_table",
        column_config={"source": st.column_config.TextColumn(width=230)},
    )  # fmt: skip
    csv_button(lambda: table, f"{dataset_id}-sources")
    if set(table["source"]) == {NOT_KNOWN}:
        st.caption("No manifest says where its images come from, and nobody has said it yet.")


def _sizes(dataset_id: str, sizes: pd.DataFrame, classes: list[str]) -> None:
    st.markdown("**Image sizes**", anchors=False)
    st.caption(size_sentence(sizes))
    if sizes[["width", "height"]].drop_duplicates().shape[0] > 1:
        figure = draw(size_bubbles, sizes, classes)
        show(figure, key="size_bubbles", alt="Longer side of the images of each class; a bubble's area is their number")
    csv_button(lambda: sizes, f"{dataset_id}-sizes")


def _facts(dataset: dict[str, Any]) -> None:
    st.markdown("**What and where**", anchors=False)
    facts = facts_of(dataset, record("split_hash", dataset["dataset_id"]))
    st.dataframe(
        facts, hide_index=True, alt="Facts of the dataset", key="data_facts",
        column_config={"fact": st.column_config.TextColumn(width=110), "value": st.column_config.TextColumn()},
    )  # fmt: skip
    csv_button(lambda: facts, f"{dataset['dataset_id']}-facts")


def facts_of(dataset: dict[str, Any], hashed: dict[str, Any] | None) -> pd.DataFrame:
    """fact, value: what identifies the dataset and its split."""
    fractions = {} if missing(dataset["fractions"]) else dict(json.loads(str(dataset["fractions"])))
    shares = ", ".join(f"{name} {share:.0%}" for name, share in fractions.items() if share)
    root = "" if missing(dataset["root"]) else str(dataset["root"])
    here = root if not root or Path(root).is_dir() else f"{root} (not there any more)"
    facts = {
        "name": dataset["name"], "id": dataset["dataset_id"], "folder": here,
        "split": ("given by its folders" if root else "given") if dataset["split_origin"] == "given" else "made",
        "shares asked": shares,
        "seed": "" if missing(dataset["split_seed"]) else str(int(dataset["split_seed"])),
        "split hash": "" if hashed is None else str(hashed["split_hash"]),
        "read": "" if missing(dataset["at"]) else f"{pd.Timestamp(dataset['at']):%d %b %Y, %H:%M} UTC",
    }  # fmt: skip
    return pd.DataFrame([(name, value) for name, value in facts.items() if value], columns=["fact", "value"])


def _searches(dataset_id: str) -> None:
    st.markdown("**Searches on it**", anchors=False)
    rows = read("listing")
    rows = rows[rows["dataset_id"] == dataset_id]
    for row in rows.head(SHOWN).to_dict("records"):
        label = f"{row['name']} ({str(row['status']).lower()})"
        st.page_link(
            "search.py", label=label, icon=":material/account_tree:", query_params={"search": row["search_id"]}
        )
    if rows.empty:
        st.caption("None yet.")
    elif len(rows) > SHOWN:
        st.page_link(
            "searches.py", label=f"All {len(rows)} searches", icon=":material/list:", query_params={"q": dataset_id}
        )

"""Two trials against each other: the difference of their confusion matrices, and the images on which they differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.charts.difference import difference, same_support
from pages.components.compare_facts import ROW, WORDS, Chosen, table_height
from pages.components.compare_pairs import pair_of, told
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.facts import classes

OTHER = "other"


def other_choice(chosen: Chosen) -> str | None:
    """The trial that is held against the baseline, in the address as `?other=`; None where there is only one trial."""
    ids = [trial_id for trial_id in chosen.ids if trial_id != chosen.baseline]
    if not ids:
        return None
    wanted = st.query_params.get(OTHER, "")
    default = chosen.best if chosen.best in ids else ids[0]
    picked = wanted if wanted in ids else default
    key = f"compare_other_{picked}_{chosen.names[str(picked)]}"  # by name too, as the baseline's
    st.selectbox(
        f"Held against the baseline, {chosen.names[chosen.baseline]}", ids, index=ids.index(str(picked)),
        format_func=lambda trial: chosen.names.get(trial, trial), key=key, on_change=_other_picked, args=(key, picked),
        width=420,
    )  # fmt: skip
    return picked


def matrices_view(chosen: Chosen) -> None:
    """The trial of the box less the baseline."""
    other = other_choice(chosen)
    if other is None:
        st.info("Choose a second trial: a difference needs two.", icon=":material/info:")
        return
    base, split = chosen.baseline, chosen.split
    names = chosen.names[other], chosen.names[base]
    own, theirs = (classes(chosen.rows.loc[trial_id, "dataset_id"]) for trial_id in (other, base))
    first, second = read("confusion", other, split), read("confusion", base, split)
    for counts, name in ((first, names[0]), (second, names[1])):
        if counts.empty or counts["count"].isna().any():
            st.info(
                f"The store has no {WORDS[split]} confusion matrix of {name}, so there is no difference to show."
                + (" The study prints one of its final model only, on test." if _published(chosen) else ""),
                icon=":material/info:",
            )
            return
    if set(own) != set(theirs):
        st.info(f"{names[0]} and {names[1]} do not have the same classes, so their matrices cannot be subtracted.",
                icon=":material/info:")  # fmt: skip
        return
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        show(
            draw(difference, first, second, own, names), key="matrix_difference",
            alt=f"Confusion matrix of {names[0]} less that of {names[1]}",
        )  # fmt: skip
    with grid.cell():
        _words(chosen, other, same_support(first, second, own))
    _images(chosen, other)
    csv_button(lambda: matrices(first, second), f"compare-matrices-{split}", label="Both matrices (CSV)")


def matrices(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """true_class, predicted_class, count, baseline_count."""
    keys = ["true_class", "predicted_class"]
    base = second.rename(columns={"count": "baseline_count"})
    merged: pd.DataFrame = first.merge(base, on=keys, how="outer").fillna(0)
    return merged


def disagreements(first: pd.DataFrame, second: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Images that only one of two trials has right: image, true class, what each called it, how surely, who is right.

    `first` and `second` as from `queries.predictions`, `names` the classes in order.
    """
    both = first.merge(second[["image_id", "probabilities"]], on="image_id", suffixes=("", "_base"))
    if both.empty:
        return pd.DataFrame(columns=["image", "true class", "called", "p", "baseline called", "baseline p", "right"])
    index = {name: at for at, name in enumerate(names)}
    true = both["true_class"].map(index).to_numpy()
    own, base = (np.array(both[column].tolist()) for column in ("probabilities", "probabilities_base"))
    called, said = own.argmax(axis=1), base.argmax(axis=1)
    table = pd.DataFrame(
        {
            "image": both["path"].fillna(both["image_id"].astype(str)), "true class": both["true_class"],
            "called": [names[at] for at in called], "p": own.max(axis=1), "baseline called": [names[at] for at in said],
            "baseline p": base.max(axis=1), "right": np.where(called == true, "this trial", "baseline"),
        }
    )  # fmt: skip
    apart: pd.DataFrame = table[(called == true) != (said == true)]
    return apart.sort_values("right", ascending=False, ignore_index=True)


def _words(chosen: Chosen, other: str, counted: bool) -> None:
    name, base = chosen.names[other], chosen.names[chosen.baseline]
    unit = "images" if counted else "percentage points of each true class, since the two rest on other images"
    st.markdown(f"**{name}** less the baseline **{base}**, in {unit}.", anchors=False)
    st.caption(
        f"Blue: {name} does better (more on the diagonal, fewer beside it). Magenta: it does worse. "
        f"Last epoch, {WORDS[chosen.split]} images."
    )
    words = told(chosen, other)
    if words is None:
        st.caption("The two have no predictions for the same images, so no paired test is possible.")
    else:
        st.markdown(words, anchors=False)


def _images(chosen: Chosen, other: str) -> None:
    if pair_of(chosen, other, chosen.baseline) is None:
        return
    names = classes(chosen.rows.loc[other, "dataset_id"])
    first, second = (read("predictions", trial_id, chosen.split) for trial_id in (other, chosen.baseline))
    table = disagreements(first, second, names)
    st.subheader("Images that only one of them has right", anchor=False)
    if table.empty:
        st.caption("There is none.")
        return
    share = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        table, hide_index=True, key="disagreements", column_config={"p": share, "baseline p": share},
        row_height=ROW, height=table_height(table),
        alt="Images that only one of the two trials has right, with what each called them",
    )  # fmt: skip
    csv_button(lambda: table, f"compare-images-{chosen.split}", label="These images (CSV)")


def _published(chosen: Chosen) -> bool:
    return "published" in set(chosen.rows["origin"])


def _other_picked(key: str, shown: str) -> None:
    if st.session_state[key] != shown:
        st.query_params[OTHER] = st.session_state[key]

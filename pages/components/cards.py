"""One search as a card in the list."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing, share
from pages.components import commands
from pages.components.facts import accuracy_interval, doing, split_images, synthetic, trials_of
from pages.components.notes import excerpt, tag_badges
from pages.components.shortcut import Audits
from pages.components.shortcut_badge import shortcut_badge
from pages.components.status import badges, lost
from pages.components.words import span


def card(search: dict[str, Any], *, place: str, sort: str, audits: Audits) -> None:
    """Name and state; best score, DE_COUNT, trials; the way in and the commands; tags and the note's beginning.

    Args:
        search: a row of the query `listing` with what `list_order.with_notes` adds.
        place: keeps cards of one search apart, which may stand under several headings.
        sort: what the list is sorted by; the card shows it, whatever it is.
        audits: of all datasets.
    """
    search_id = str(search["search_id"])
    with st.container(border=True, key=f"card_{place}_{search_id}"):
        head, score, count, done, act = st.columns([4.6, 2.2, 1.5, 1.8, 2.3], vertical_alignment="center")
        with head, st.container(gap="xsmall"):
            _head(search, sort, audits)
        best, bounds = _best(search)
        score.metric("Best val accuracy", best, delta=bounds, delta_color="off", delta_arrow="off",
                     help="On the validation images; below it the 95 % Wilson interval.")  # fmt: skip
        count.metric("DE_COUNT", f"{search['de_count']} of {search['patience']}")
        done.metric("Trials", f"{search['done']} of {search['asked']}", help="finished, of those asked")
        with (
            act,
            st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"),
        ):
            st.page_link("search.py", label="Open", icon=":material/arrow_forward:", query_params={"search": search_id})
            commands.menu(search, where=f"list_{place}")
        _noted(search)
        if search["status"] == "RUNNING":
            _progress(search)


def _head(search: dict[str, Any], sort: str, audits: Audits) -> None:
    st.markdown(f"**{search['name']}**", anchors=False)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        badges(search, lost(search))
        shortcut_badge(
            search["dataset_id"], search["val_accuracy"], "best trial on val", known=audits, synthetic=synthetic(search)
        )
        facts = []
        if not missing(search["created_at"]):
            facts.append(f"{pd.Timestamp(search['created_at']):%d %b %Y, %H:%M} UTC")
        if sort == "duration" and not missing(search["seconds"]):
            facts.append(f"took {span(search['seconds'])}")
        if sort == "test" and not missing(search["test_accuracy"]):
            facts.append(f"test accuracy {share(search['test_accuracy'])}, reported, never used to choose")
        if facts:
            st.caption(" · ".join(facts))


def _best(search: dict[str, Any]) -> tuple[str, str]:
    """The best validation accuracy and its interval, as text."""
    if missing(search["val_accuracy"]):
        return "–", "no trial has finished"
    told = search["val_images"]
    images = split_images(search["dataset_id"], "val") if missing(told) else int(told)
    return share(search["val_accuracy"]), accuracy_interval(search["val_accuracy"], images) or "interval unknown"


def _noted(search: dict[str, Any]) -> None:
    tags, others, note = search["tags"], search["trial_tags"], excerpt(search["note"])
    if not (tags or others or note or search["trial_notes"]):
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        tag_badges(tags)
        tag_badges(others, of_trials=True)
        number = search["trial_notes"]
        of_trials = f"{number} trial{'s' * (number != 1)} with a note or tag" if number else ""
        st.caption(" · ".join(part for part in (note, of_trials) if part))


def _progress(search: dict[str, Any]) -> None:
    trials = trials_of(search)
    working = doing(trials)
    if working:
        row = trials[trials["status"] == "RUNNING"].iloc[0]
        st.progress(min(1.0, int(row["epochs_done"]) / max(1, int(row["epochs"]))), text=working)

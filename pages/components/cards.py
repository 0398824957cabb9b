"""One search as a card in the list."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components import commands
from pages.components.facts import best_score, doing, trials_of
from pages.components.status import badges, lost


def card(search: dict[str, Any]) -> None:
    """Name and state; best score, DE_COUNT, trials; the way in and the commands."""
    search_id = str(search["search_id"])
    trials = trials_of(search)
    with st.container(border=True, key=f"card_{search_id}"):
        head, score, count, done, act = st.columns([4.6, 2.2, 1.5, 1.8, 2.3], vertical_alignment="center")
        with head, st.container(gap="xsmall"):
            _head(search, trials)
        best, bounds = best_score(search, trials)
        score.metric("Best val accuracy", best, delta=bounds, delta_color="off", delta_arrow="off",
                     help="On the validation images; below it the 95 % Wilson interval.")  # fmt: skip
        count.metric("DE_COUNT", f"{search['de_count']} of {search['patience']}")
        own = trials[trials["coordinate"] != "final"]
        done.metric(
            "Trials", f"{int((own['status'] == 'COMPLETE').sum())} of {len(own)}", help="finished, of those asked"
        )
        with (
            act,
            st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"),
        ):
            st.page_link("search.py", label="Open", icon=":material/arrow_forward:", query_params={"search": search_id})
            commands.menu(search, where="list")
        working = doing(trials)
        if working:
            row = trials[trials["status"] == "RUNNING"].iloc[0]
            st.progress(min(1.0, int(row["epochs_done"]) / max(1, int(row["epochs"]))), text=working)


def _head(search: dict[str, Any], trials: pd.DataFrame) -> None:
    st.markdown(f"**{search['name']}**", anchors=False)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        badges(search, lost(search))
        if not missing(search["created_at"]):
            st.caption(f"{pd.Timestamp(search['created_at']):%d %b %Y, %H:%M} UTC")

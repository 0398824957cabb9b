"""Which search and which trial a page is about: `?search=` and `?trial=`, else the last choice, else a sensible one.

The address is the only truth. A box is named after what it shows, and reports only another value than that: a beat of
a live part that left the browser before a click was answered still carries the old box, which must not undo the click.
Its label is part of that name: Streamlit keeps a choice by its label, and a new status would lose it.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.charts.wording import change, missing

SEARCH, TRIAL = "search", "trial"


def search_choice(searches: pd.DataFrame, *, also: str | None = None) -> str | None:
    """A box to choose a search; returns its id, or None where the store has none.

    `also` is an id that is known by other means (a search that has just been launched and has no record yet).
    """
    names = {str(row["search_id"]): _search_label(row) for row in searches.to_dict("records")}
    if also is not None and also not in names:
        names = {also: f"{also} (starting)"} | names
    if not names:
        return None
    wanted = st.query_params.get(SEARCH) or st.session_state.get("last_search")
    if wanted not in names:
        if st.query_params.get(SEARCH):
            st.warning(f"There is no search {wanted} here; it may have been deleted. Showing another one.")
            st.query_params.pop(TRIAL, None)
        wanted = _default(searches) or next(iter(names))
    key = f"search_box_{wanted}_{names[wanted]}"
    st.selectbox(
        "Search", list(names), index=list(names).index(wanted), format_func=names.__getitem__, key=key,
        on_change=_search_changed, args=(key, wanted), label_visibility="collapsed",
    )  # fmt: skip
    st.session_state["last_search"] = wanted
    if st.query_params.get(SEARCH) != wanted:
        st.query_params[SEARCH] = wanted
    return wanted


def trial_choice(trials: pd.DataFrame, default: str | None, *, label: str, follow: str | None = None) -> str | None:
    """A box to choose a trial; returns its id. `follow` labels the entry that means: whatever `default` is now."""
    ids = [str(trial_id) for trial_id in trials["trial_id"]]
    if not ids:
        return None
    names = {str(row["trial_id"]): trial_label(row) for row in trials.to_dict("records")}
    options = (["", *ids]) if follow else ids
    wanted = st.query_params.get(TRIAL) or ""
    picked = wanted if wanted in ids else ("" if follow else (default or ids[0]))
    key = f"trial_box_{picked}_{names.get(picked)}"
    st.selectbox(
        label, options, index=options.index(picked), format_func=lambda trial: names.get(trial, follow or ""), key=key,
        on_change=_trial_changed, args=(key, picked),
    )  # fmt: skip
    return picked or default


def pick_trial(trial_id: str) -> None:
    """Choose a trial by other means than the box."""
    st.query_params[TRIAL] = trial_id


def trial_label(row: dict[object, object]) -> str:
    """'cycle 2, lr 1e-4' or 'final, seed 3', with its status unless complete."""
    if row["coordinate"] == "final":
        name = "final" if missing(row["seed"]) else f"final, seed {row['seed']}"
    elif row["coordinate"] == "what-if":
        name = change(row)
    else:
        name = f"cycle {row['cycle']}, {change(row)}"
    return name if row["status"] == "COMPLETE" else f"{name} ({str(row['status']).lower()})"


def _default(searches: pd.DataFrame) -> str | None:
    """The newest running search, else the newest own one, else any."""
    running = (searches["status"] == "RUNNING") & ~searches["lost"].astype(bool)
    for rows in (searches[running], searches[searches["origin"] == "own"], searches):
        if not rows.empty:
            return str(rows.sort_values("created_at", ascending=False, na_position="last")["search_id"].iloc[0])
    return None


def _search_label(row: dict[object, object]) -> str:
    when = "" if missing(row["created_at"]) else f", {pd.Timestamp(str(row['created_at'])):%d %b %Y %H:%M}"
    return f"{row['name']} ({str(row['status']).lower()}{when})"


def _search_changed(key: str, shown: str) -> None:
    if st.session_state[key] == shown:
        return
    st.query_params[SEARCH] = st.session_state[key]
    st.query_params.pop(TRIAL, None)


def _trial_changed(key: str, shown: str) -> None:
    if st.session_state[key] == shown:
        return
    if st.session_state[key]:
        st.query_params[TRIAL] = st.session_state[key]
    else:
        st.query_params.pop(TRIAL, None)

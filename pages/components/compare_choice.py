"""Which trials are compared, and with which: `?trials=` and `?baseline=`.

`trials` names trials, or searches for all their trials, joined by commas. The address is the only truth; the box of
chosen trials keeps its place while a person picks in it, and is a new one when the choice came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.compare_names import choices, search_names
from pages.components.data import read
from pages.components.guard import guarded

TRIALS, BASELINE = "trials", "baseline"
SPLIT = "images"  # key of the choice of val or test, which stands in the address by itself
LAST, SAID, BOX = "compare_last", "compare_said", "compare_box"  # in the session
NEWEST = 5  # searches that the empty page suggests together
CHIPS = 12  # chosen entries that are shown on more than one line


def tokens(text: str) -> list[str]:
    """The entries of the address, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def expanded(chosen: Sequence[str], trials: pd.DataFrame) -> list[str]:
    """The trials that the entries name, each once, in that order; entries that nothing fits are left out."""
    of_search = {str(search_id): list(rows["trial_id"]) for search_id, rows in trials.groupby("search_id", sort=False)}
    known = set(trials["trial_id"])
    ids = [trial_id for entry in chosen for trial_id in of_search.get(entry, [entry] if entry in known else [])]
    return list(dict.fromkeys(ids))


def trials_choice(trials: pd.DataFrame) -> list[str]:
    """The box of chosen trials; returns their ids. `trials` as from `queries.trial_names`."""
    text = st.query_params.get(TRIALS)
    if text is None:  # back from another page
        text = str(st.session_state.get(LAST, ""))
    options = choices(trials)
    wanted = [entry for entry in tokens(text) if entry in options]
    gone = [entry for entry in tokens(text) if entry not in options]
    if gone:
        some = ", ".join(gone[:3]) + (" and others" if len(gone) > 3 else "")
        st.warning(f"Not here, perhaps deleted, and left out: {some}.", icon=":material/link_off:")
        st.fragment(guarded(_arrived), run_every=3)(gone)
    key = f"{BOX}_{st.session_state.get(BOX, 0)}"
    said = {entry: options[entry] for entry in wanted}
    if st.session_state.get(SAID) != said or key not in st.session_state:
        # A new box: what a beat of a live part still says of the old one must not undo this choice.
        st.session_state[BOX] = st.session_state.get(BOX, 0) + 1
        key = f"{BOX}_{st.session_state[BOX]}"
        st.session_state[key] = wanted
    st.multiselect(
        "Trials to compare", list(options), format_func=options.__getitem__, key=key, on_change=_picked,
        args=(key, options), placeholder="Type a search, a trial or a setting", select_all=200,
        wrap=len(wanted) <= CHIPS,
        help="Trials of one search or of several; the entry of a search stands for all its trials.",
    )  # fmt: skip
    st.session_state[SAID], st.session_state[LAST] = said, text
    if text and TRIALS not in st.query_params:
        st.query_params[TRIALS] = text
    return expanded(wanted, trials)


def _arrived(gone: list[str]) -> None:
    """A store that is still being read, or a search that has just begun, may yet have them."""
    trials = read("trial_names")
    if expanded(gone, trials):
        st.rerun()


def choose(entries: Sequence[str]) -> None:
    """Compare these from now on, whatever the address names."""
    text = ",".join(entries)
    st.session_state[LAST] = text
    if text:
        st.query_params[TRIALS] = text
    else:
        st.query_params.pop(TRIALS, None)


def baseline_choice(names: Mapping[str, str]) -> str:
    """The box of the baseline; returns its id. `names` of the chosen trials, at least one."""
    wanted = st.query_params.get(BASELINE, "")
    ids = list(names)
    picked = wanted if wanted in names else ids[0]
    if wanted and picked != wanted:
        st.query_params.pop(BASELINE, None)
    key = f"compare_baseline_{picked}_{names[picked]}"  # by name too: Streamlit keeps a choice by what it is called
    st.selectbox(
        "Baseline", ids, index=ids.index(picked), format_func=lambda trial: names.get(trial, trial), key=key,
        on_change=_baseline_picked, args=(key, picked), help="All differences are to this trial.", width=420,
    )  # fmt: skip
    return picked


@dataclass(frozen=True)
class Idea:
    """A sensible first comparison: what it is called, what it shows, and what it chooses."""

    title: str
    words: str
    trials: tuple[str, ...]
    baseline: str = ""
    split: str = "val"


def suggestions(searches: pd.DataFrame, trials: pd.DataFrame) -> None:
    """What to do while nothing is chosen: ways to begin."""
    st.info(
        "Nothing is chosen yet. Pick trials above, or begin with one of these; the address of this page is a link to "
        "the whole view.", icon=":material/compare_arrows:",
    )  # fmt: skip
    grid = st.grid(2, min_column_width=380)
    for idea in ideas(searches, trials):
        with grid.cell(), st.container(border=True, height="stretch", gap="xsmall"):
            st.button(
                f"**{idea.title}**", key=f"idea_{idea.title}", icon=":material/arrow_forward:", type="tertiary",
                on_click=_begin, args=(idea,),
            )  # fmt: skip
            st.caption(idea.words)


def ideas(searches: pd.DataFrame, trials: pd.DataFrame) -> list[Idea]:
    """Sensible first comparisons. `searches` newest first."""
    names, known = search_names(trials), set(trials["trial_id"])
    own = searches[(searches["origin"] == "own") & searches["best_trial_id"].isin(known)]
    found: list[Idea] = []
    if len(own) > 1:
        leading = tuple(own["best_trial_id"].head(NEWEST))
        title = f"The best trials of the newest {len(leading)} searches"
        found.append(Idea(title, "Which search led further?", leading))
    for row in own.head(2).to_dict("records"):
        name, best, model = names[str(row["search_id"])], str(row["best_trial_id"]), row["model_trial_id"]
        if not missing(model) and model in known and model != best:
            words = "The point that the search chose, and its final training: how far do they differ?"
            found.append(Idea(f"Best trial and model of {name}", words, (best, str(model)), best))
        words = "Each against the best: which differ beyond chance?"
        found.append(Idea(f"All trials of {name}", words, (str(row["search_id"]),), best))
    published = searches[(searches["origin"] == "published") & searches["model_trial_id"].isin(known)]
    for row in published.to_dict("records"):
        model, name = str(row["model_trial_id"]), names[str(row["search_id"])]
        if not own.empty:
            newest = own.iloc[0]
            mine = newest["best_trial_id"] if missing(newest["model_trial_id"]) else newest["model_trial_id"]
            title = f"{names[str(newest['search_id'])]} beside the published model"
            words = "On test, where the study prints numbers. Other images, so no paired test: intervals only."
            found.append(Idea(title, words, (model, str(mine)), model, "test"))
        words = "The published trials, as far as their numbers go."
        found.append(Idea(f"All trials of {name}", words, (str(row["search_id"]),)))
    return found


def _begin(idea: Idea) -> None:
    # Not by a link: to the page that is open already, Streamlit leaves the browser's address as it is.
    choose(idea.trials)
    if idea.baseline:
        st.query_params[BASELINE] = idea.baseline
    st.session_state[SPLIT] = idea.split


def _picked(key: str, options: dict[str, str]) -> None:
    # The box itself says so, and stays as it is, unless what it shows has got other names meanwhile.
    st.session_state[SAID] = {entry: options[entry] for entry in st.session_state[key]}
    choose(list(st.session_state[SAID]))


def _baseline_picked(key: str, shown: str) -> None:
    if st.session_state[key] != shown:
        st.query_params[BASELINE] = st.session_state[key]

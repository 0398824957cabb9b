"""Which readings the page History is about: every wish stands in the address."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from core.prediction.reading import FLAG_LABELS, name_of
from pages.components.compare_names import trial_names
from pages.components.data import read
from pages.components.whatif_address import held, key_of, put, unique
from store.queries import Wanted

PAGE, BATCH = "sheet", "batch"  # in the address
FIRST_DAY = date(2020, 1, 1)
DECISIONS = {"class": "One class", "set": "A set of two", "refer": "Refer to an expert"}
REVIEWS = {
    "none": "Not reviewed", "any": "Reviewed", "confirm": "Confirmed", "correct": "Corrected", "refer": "Referred",
}  # fmt: skip
THROUGH = {
    "page": "Page Predict", "batch": "Batch", "field": "Field", "api": "API", "command line": "Command line",
}  # fmt: skip
RAISED = FLAG_LABELS | {"blast": "Watch on blasts"}


def controls() -> Wanted:
    """Rows of boxes above the readings, the agreement and the images: all of them are about what the boxes leave."""
    known = read("reading_choices")
    of = {str(name): [str(value) for value in rows["value"]] for name, rows in known.groupby("column")}
    grid = st.grid(5, min_column_width=200)
    text = grid.text_input(
        "File name", placeholder="Any part of it", key="q", bind="query-params", type="search",
        icon=":material/search:", on_change=first_page,
    )  # fmt: skip
    names = model_names(of.get("model_id", []))
    model_id = _box(grid, "Model", names, "model", open_=True)
    decision = _box(grid, "Decision", DECISIONS, "decision")
    class_ = _box(grid, "Decided on", {one: name_of(one) for one in of.get("class_", [])}, "class", open_=True)
    raised = _box(grid, "Raised check", RAISED, "raised")
    review = _box(grid, "Review", REVIEWS, "review")
    through = _box(grid, "Came through", THROUGH, "through")
    since, until = _day(grid, "Since (UTC)", "since"), _day(grid, "Until (UTC)", "until")
    return Wanted(
        model_id=model_id, class_=class_, decision=decision, raised=raised,
        reviewed=None if review is None else review != "none",
        verdict=review if review in ("confirm", "correct", "refer") else None, through=through, batch_id=_batch(),
        since=None if since is None else datetime.combine(since, time()),
        until=None if until is None else datetime.combine(until + timedelta(days=1), time()),
        text=(text or "").strip() or None,
    )  # fmt: skip


def model_names(model_ids: list[str]) -> dict[str, str]:
    """What people call models, by id; the id where the search or the fusion is gone."""
    trials = read("trial_names")
    names = trial_names(trials[trials["trial_id"].isin(model_ids)], alone=True)
    fusions = read("fusions")
    names |= {f"{one}": f"fusion {name}" for one, name in zip(fusions["fusion_id"], fusions["name"], strict=True)}
    return unique({one: names.get(one, one) for one in model_ids})


def first_page() -> None:
    """Another wish begins at its first page."""
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1


def _box(grid: Any, label: str, options: dict[str, str], name: str, *, open_: bool = False) -> str | None:
    """A box whose choice stands in the address by its id. `open_`: what the address asks for may be unknown by now."""
    asked = st.query_params.get(name)
    if asked is not None and asked not in options:
        options = options | {asked: asked} if open_ else options
        asked = asked if open_ else None
    picked: str | None = grid.selectbox(
        label, list(options), index=None, format_func=lambda one: options.get(one, one), placeholder="Any",
        key=held(name, asked), on_change=_picked, args=(name,),
    )  # fmt: skip
    return picked


def _picked(name: str) -> None:
    put(**{name: st.session_state[key_of(name)]})
    first_page()


def _day(grid: Any, label: str, key: str) -> date | None:
    picked: date | None = grid.date_input(
        label, value=None, min_value=FIRST_DAY, format="YYYY-MM-DD", key=key, bind="query-params", on_change=first_page
    )
    return picked


def _batch() -> str | None:
    """The batch or field that the address names, with a way out of it."""
    batch_id = st.query_params.get(BATCH)
    if not batch_id:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Only the readings of the batch or field `{batch_id}`.", width="content")
        st.button("Show all", key="batch_all", icon=":material/close:", type="tertiary", on_click=_no_batch)
    return batch_id


def _no_batch() -> None:
    put(**{BATCH: None})
    first_page()

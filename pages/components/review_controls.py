"""What an expert says of a recorded reading: confirm it, correct it to a class, or refer it; with a note and a name.

Where the server knows who is logged in, that is the name; else the person may give one.
For every page that shows a recorded reading. Nothing is overwritten: each review is kept, and the latest counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.prediction.reading import name_of
from core.statements import LONGEST_NAME, LONGEST_NOTE, StatementError, save_review
from pages.charts.wording import missing
from pages.components.data import catch_up, home, read
from pages.components.guard import explain, log
from pages.components.history_words import plain_list, review_words
from pages.components.notes import plain
from pages.components.person import person

NAME = "reviewer"  # of the person, for as long as the session lasts


def review_controls(reading_row: Mapping[Any, Any], classes: Sequence[str]) -> None:
    """Draw the latest review of a reading and the means to add one.

    Args:
        reading_row: at least reading_id and decided_classes, as the queries `reading` and `readings` give them.
        classes: the model's classes; any other cell type can be typed.
    """
    reading_id = str(reading_row["reading_id"])
    decided = [str(name) for name in plain_list(reading_row["decided_classes"])]
    with st.container(border=True, key=f"review_{reading_id}", gap="small"):
        _latest(reading_id)
        given = (decided, tuple(classes))
        with st.container(horizontal=True):
            for name in decided:
                words = f"Confirm {name_of(name)}" if len(decided) == 1 else f"It is {name_of(name)}"
                st.button(
                    plain(words), key=f"confirm_{reading_id}_{name}", icon=":material/check:", on_click=_say,
                    args=(reading_id, "confirm", name, *given),
                )  # fmt: skip
            st.button(
                "Refer", key=f"refer_{reading_id}", icon=":material/forward_to_inbox:", on_click=_say,
                args=(reading_id, "refer", None, *given),
                help="Somebody else has to look: you settle on no class.",
            )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                "Correct to", [name for name in classes if name not in decided], index=None, format_func=name_of,
                accept_new_options=True, width=230, placeholder="Class, or type another",
                key=_key("class", reading_id), on_change="ignore",
                help="One of the model's classes, or any other cell type: type its name.",
            )  # fmt: skip
            st.button(
                "Correct", key=f"correct_{reading_id}", icon=":material/edit:", on_click=_say,
                args=(reading_id, "correct", None, *given),
            )  # fmt: skip
        who = person()
        grid = st.grid(2 if who is None else 1, min_column_width=180)
        grid.text_input("Note", key=_key("note", reading_id), max_chars=LONGEST_NOTE, on_change="ignore",
                        placeholder="Optional")  # fmt: skip
        if who is not None:
            st.caption(plain(f"Recorded as said by {who}, who is logged in."))
        else:
            grid.text_input("Your name", value=st.session_state.get(NAME, ""), key=_key("name", reading_id),
                            max_chars=LONGEST_NAME, on_change="ignore", placeholder="Optional")  # fmt: skip
        problem = st.session_state.pop(f"review_problem_{reading_id}", None)
        if problem:
            st.error(problem, icon=":material/error:")


def known_class(text: str, classes: Sequence[str]) -> str:
    """The class that a person means: 'Seg neutrophil' is 'seg_neutrophil'; what is none of them stays as typed."""
    meant = " ".join(text.replace("_", " ").split()).casefold()
    return next((name for name in classes if name_of(name).casefold() == meant), " ".join(text.split()))


def _latest(reading_id: str) -> None:
    reviews = read("reviews", reading_id)
    if reviews.empty:
        st.markdown("**Review**  \nNobody has reviewed this reading yet.", anchors=False)
        return
    row = reviews.iloc[0].to_dict()
    by = "" if missing(row["reviewed_by"]) else f" by {plain(str(row['reviewed_by']))}"
    note = f"  \n{plain(str(row['note']))}" if row["note"] else ""
    words = review_words(row, "class")
    st.markdown(f"**Review:** {plain(words)}{by}, {pd.Timestamp(row['at']):%Y-%m-%d %H:%M} UTC{note}", anchors=False)


def _say(reading_id: str, verdict: str, class_: str | None, decided: list[str], classes: tuple[str, ...]) -> None:
    """Record the review; what was typed stays where that fails."""
    name = person() or str(st.session_state.get(_key("name", reading_id)) or "").strip()
    if verdict == "correct":
        class_ = known_class(str(st.session_state.get(_key("class", reading_id)) or ""), classes) or None
    try:
        save_review(
            home(), reading_id, verdict, class_=class_, note=str(st.session_state.get(_key("note", reading_id)) or ""),
            reviewed_by=name, decided=decided,
        )  # fmt: skip
    except StatementError as error:
        st.session_state[f"review_problem_{reading_id}"] = str(error)
        return
    except Exception as error:
        log.error("The review of %s was not recorded", reading_id, exc_info=error)
        st.session_state[f"review_problem_{reading_id}"] = explain(error)
        return
    if person() is None:
        st.session_state[NAME] = name
    st.session_state[f"reviewed_{reading_id}"] = st.session_state.get(f"reviewed_{reading_id}", 0) + 1
    shown = catch_up()
    st.toast("Recorded." if shown else "Recorded; it appears as soon as the store has taken it in.",
             icon=":material/check:")  # fmt: skip


def _key(widget: str, reading_id: str) -> str:
    """New after each review, so that the fields are empty again."""
    return f"review_{widget}_{reading_id}_{st.session_state.get(f'reviewed_{reading_id}', 0)}"

"""Lists of what people saved under a name, with buttons to open one and to take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import statements
from pages.components.csv_button import csv_button
from pages.components.data import catch_up, home
from pages.components.whatif_address import unique

Row = dict[Any, Any]


def saved_list(
    kind: str, rows: pd.DataFrame, table: pd.DataFrame, opened: Callable[[Row], None], *, words: str,
    links: Sequence[Callable[[Row], Any]] = (),
) -> None:  # fmt: skip
    """A table of saved things, their CSV, and a box to open or remove one.

    Args:
        kind: "fusion" or "operating_point": the record, and with "_id" the column that identifies it.
        rows: as the store returns them; `table` the same rows for people, in the same order.
        opened: called with a row that is to be shown.
        words: what one is called, "operating point".
        links: each draws a link to another page for a row.
    """
    if rows.empty:
        st.caption(f"No {words} is saved yet.")
        return
    st.dataframe(
        table, hide_index=True, key=f"{kind}_table", alt=f"Saved {words}s",
        column_config={"saved": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")},
    )  # fmt: skip
    by_id = {str(row[f"{kind}_id"]): row for row in rows.to_dict("records")}
    names = unique({one: str(row["name"]) for one, row in by_id.items()})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox(
            f"Saved {words}", list(by_id), format_func=names.__getitem__, key=f"{kind}_box", width=320
        )
        row = by_id[picked]
        st.button("Open", icon=":material/tune:", key=f"{kind}_open", on_click=opened, args=(row,))
        with st.popover("Remove", icon=":material/delete:", key=f"{kind}_remove"):
            st.markdown(f"Take back **{row['name']}**? Pages will not offer it any more.")
            st.button("Remove it", key=f"{kind}_remove_yes", on_click=_remove, args=(kind, row), type="primary")
        csv_button(lambda: table, f"{words.replace(' ', '-')}s", f"{kind}_list_csv")
        for link in links:
            link(row)


def saving(kind: str, words: str, save: Callable[[str], str], *, note: str = "") -> None:
    """A name and a button. `save` gets the name and returns the new id; its ValueError is told."""
    name_key = f"{kind}_name"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", key=name_key, placeholder=f"Name of the {words}", max_chars=80, width=320)
        st.button(
            f"Save {words}", icon=":material/bookmark_add:", key=f"{kind}_save", on_click=_save,
            args=(kind, words, name_key, save),
        )  # fmt: skip
    said = st.session_state.pop(f"{kind}_said", None)
    if said:
        st.warning(said)
    elif note:
        st.caption(note)


def _save(kind: str, words: str, name_key: str, save: Callable[[str], str]) -> None:
    name = str(st.session_state[name_key])
    try:
        save(name)
    except (ValueError, OSError) as error:
        st.session_state[f"{kind}_said"] = str(error)
        return
    st.session_state[name_key] = ""
    catch_up()
    st.toast(f"Saved the {words} {name.strip()}.")


def _remove(kind: str, row: Row) -> None:
    try:
        statements.remove(home(), kind, row)
    except OSError as error:
        st.session_state[f"{kind}_said"] = str(error)
        return
    catch_up()
    st.toast(f"Removed {row['name']}.")

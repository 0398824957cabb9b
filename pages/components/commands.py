"""Stop, cancel, resume and delete a search: one menu, and a confirmation for what cannot be undone."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.search import commands
from pages.components.data import catch_up, home
from pages.components.guard import explain, guarded, log

ASKED = "asked_command"
_SHOWN = "asked_command_shown"  # the page has opened the dialog for it
LABELS = {
    "stop": "Stop after this epoch",
    "cancel": "Cancel at once",
    "resume": "Resume",
    "delete": "Delete",
}
_DONE = {
    "stop": "The search will stop after the current epoch.",
    "cancel": "The search is being cancelled.",
    "resume": "The search goes on.",
    "delete": "The search is deleted.",
}
_AGAIN = "start it again from What-if: the search."
_DONE_POINTS = {  # of a search that is complete, of which further points are being trained
    "stop": f"The training of further points will stop after the current epoch; {_AGAIN}",
    "cancel": f"The training of further points is being cancelled; {_AGAIN}",
}
_CONSEQUENCE = {
    "cancel": "The epoch that is being trained is thrown away; whole epochs are kept, and the search can be resumed.",
    "delete": "All its trials, curves, predictions and weights are removed for good.",
}
_CONSEQUENCE_POINTS = {
    "cancel": "The search is complete and stays as it is. The training of further points ends: the epoch that is being "
    f"trained is thrown away, whole epochs are kept; {_AGAIN}",
}


def available(search: dict[str, Any], running: bool) -> list[str]:
    """The commands that make sense now. The published search is data that ships with the software: none."""
    if search["origin"] == "published":
        return []
    if running:
        return ["stop", "cancel"]
    return ["delete"] if search["status"] == "COMPLETE" else ["resume", "delete"]


def menu(search: dict[str, Any], *, where: str) -> None:
    """The menu of one search. `where` keeps the keys of several menus on a page apart."""
    search_id = str(search["search_id"])
    options = available(search, commands.controller_pid(home(), search_id) is not None)
    if not options:
        return
    key = f"menu_{where}_{search_id}"
    st.menu_button(
        "Actions", options, format_func=LABELS.__getitem__, key=key, icon=":material/more_horiz:",
        on_click=_chosen,
        args=(key, search_id, str(search["name"]), search["status"] == "COMPLETE"),
    )  # fmt: skip


def pending(search_id: str) -> str | None:
    """What has been asked of the search and not been done yet, as words."""
    words = {commands.STOP: "stopping after this epoch", commands.CANCEL: "being cancelled"}
    return words.get(commands.commanded(home(), search_id) or "")


def rerun_if_asked() -> None:
    """In a fragment: a dialog must be opened by the whole page, or the fragment's next beat would close it."""
    if ASKED in st.session_state and _SHOWN not in st.session_state:
        st.rerun()


def confirm_if_asked() -> None:
    """On the page itself: the confirmation dialog, where a command waits for one."""
    if ASKED in st.session_state:
        st.session_state[_SHOWN] = True
        _confirm(*st.session_state[ASKED])


def done(command: str, complete: bool) -> str:
    """What a command has done. What runs of a search that is `complete` trains further points of it."""
    return _DONE_POINTS.get(command, _DONE[command]) if complete else _DONE[command]


def consequence(command: str, complete: bool) -> str:
    """What a command that needs a confirmation will do."""
    return _CONSEQUENCE_POINTS.get(command, _CONSEQUENCE[command]) if complete else _CONSEQUENCE[command]


def _chosen(key: str, search_id: str, name: str, complete: bool) -> None:
    command = st.session_state[key]
    if command in _CONSEQUENCE:
        st.session_state[ASKED] = (command, search_id, name, complete)
    elif command:
        _run(command, search_id, complete)


def _run(command: str, search_id: str, complete: bool) -> None:
    run = {
        "stop": commands.request_stop,
        "cancel": commands.request_cancel,
        "resume": commands.resume,
        "delete": commands.delete,
    }[command]
    try:
        run(home(), search_id)
        catch_up()  # else a deleted search would stay on the page for a moment
    except Exception as error:
        log.error("The command %s of %s failed", command, search_id, exc_info=error)
        st.toast(explain(error), icon=":material/error:", duration="long")
    else:
        st.toast(done(command, complete), icon=":material/check:")


def _forget() -> None:
    st.session_state.pop(ASKED, None)
    st.session_state.pop(_SHOWN, None)


@st.dialog("Please confirm", on_dismiss=_forget)
@guarded
def _confirm(command: str, search_id: str, name: str, complete: bool = False) -> None:
    st.markdown(f"**{LABELS[command]}**: {name}")
    st.write(consequence(command, complete))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="confirm_no"):
            _forget()
            st.rerun()
        if st.button(LABELS[command], key="confirm_yes", type="primary"):
            _run(command, search_id, complete)
            _forget()
            st.rerun()

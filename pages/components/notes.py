"""Notes and tags of a search or a trial: shown, edited in place, saved durably; nobody's words are lost unseen."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from core.statements import annotate
from pages.components.choose import pick_trial
from pages.components.data import catch_up, home, read
from pages.components.guard import explain, guarded, log
from pages.components.list_order import all_tags

EDITORS = "note_editors"  # by what is edited: the note as the person has last seen it
LONGEST = 10_000  # characters of a note
LONGEST_TAG = 40
_one_at_a_time = threading.Lock()  # of all who save: each sees what the one before has saved


@dataclass(frozen=True)
class Note:
    """A note as the store holds it. `at`: when it was written; None where nobody wrote one."""

    text: str = ""
    tags: tuple[str, ...] = ()
    at: pd.Timestamp | None = field(default=None, compare=False)

    def says(self, text: str, tags: Iterable[str]) -> bool:
        return self.text == text.strip() and self.tags == tuple(tags)


@dataclass
class Editor:
    """An open editor. `seen`: the note that the person has been shown; `number`: keeps its widgets' keys new."""

    seen: Note
    number: int
    error: str | None = None


def panel(search_id: str, trial_id: str | None = None) -> None:
    """The note of a search, or of one of its trials, and the way to edit it: a fragment, that of a live part too."""
    st.fragment(_panel)(search_id, trial_id)


@guarded
def _panel(search_id: str, trial_id: str | None) -> None:
    key = f"note_{trial_id or search_id}"
    if key in _editors():
        _edit(key, search_id, trial_id)
    else:
        _show(key, search_id, trial_id)


def tag_badges(tags: Iterable[str], *, of_trials: bool = False) -> None:
    """Tags as badges; those that only trials have look quieter."""
    for tag in tags:
        st.badge(
            plain(tag), icon=":material/label:" if not of_trials else ":material/label_important_outline:",
            color="blue" if not of_trials else "gray", help="Tag of a trial of this search" if of_trials else None,
        )  # fmt: skip


def excerpt(note: str, longest: int = 140) -> str:
    """The first line of a note, shortened, as plain text."""
    bare = [re.sub(r"[*`]+", "", line).strip(" #>-") for line in note.splitlines()]
    lines = [line for line in bare if line]
    first = lines[0] if lines else ""
    more = len(lines) > 1 or len(first) > longest
    return plain(first[:longest].rstrip()) + (" …" if more else "")


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~$:-])", r"\\\1", text)


def current(search_id: str, trial_id: str | None) -> Note:
    """What the store holds now."""
    notes = read("notes", search_id)
    own = notes[notes["trial_id"].isna() if trial_id is None else notes["trial_id"] == trial_id]
    if own.empty:
        return Note()
    row = own.iloc[0]
    return Note(str(row["note"]), tuple(map(str, row["tags"])), pd.Timestamp(row["at"]))


# --- parts ------------------------------------------------------------------------------------------------------------


def _editors() -> dict[str, Editor]:
    editors: dict[str, Editor] = st.session_state.setdefault(EDITORS, {})
    return editors


def _show(key: str, search_id: str, trial_id: str | None) -> None:
    note = current(search_id, trial_id)
    what = "this search" if trial_id is None else "this trial"
    empty = note.says("", ())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        tag_badges(note.tags)
        st.button(
            f"Add a note to {what}" if empty else f"Edit the note on {what}", icon=":material/edit_note:",
            type="tertiary", key=f"{key}_open", on_click=_open, args=(key, search_id, trial_id),
            help="A note (Markdown) and tags. The list of searches finds, sorts and groups by them.",
        )  # fmt: skip
    if note.text:
        st.markdown(re.sub(r"^#{1,4} ", "##### ", note.text, flags=re.MULTILINE), anchors=False)


def _edit(key: str, search_id: str, trial_id: str | None) -> None:
    editor, now = _editors()[key], current(search_id, trial_id)
    changed = now != editor.seen
    with st.container(border=True, key=f"{key}_editor"):
        if changed:
            _tell_change(now)
        if editor.error:
            st.error(editor.error, icon=":material/error:")
        # What is typed is kept when the person looks at another page or trial meanwhile.
        st.text_area(
            "Note", value=editor.seen.text, key=_widget(key, "text"), max_chars=LONGEST, height="content",
            placeholder="Markdown", on_change="ignore", persist_state="session",
        )  # fmt: skip
        known = {*all_tags(read("notes")), *editor.seen.tags}
        st.multiselect(
            "Tags", sorted(known, key=str.casefold), default=list(editor.seen.tags), key=_widget(key, "tags"),
            accept_new_options=True, placeholder="Pick tags or type a new one", on_change="ignore",
            persist_state="session",
        )  # fmt: skip
        # Another key once the note has changed: a click on the button as it was must not pass for one on this.
        save = _widget(key, f"save_{now.at}" if changed else "save")
        with st.container(horizontal=True):
            st.button(
                "Save mine over it" if changed else "Save", type="primary", key=save, on_click=_save,
                args=(key, search_id, trial_id, now if changed else editor.seen),
            )  # fmt: skip
            st.button("Drop mine" if changed else "Cancel", key=_widget(key, "cancel"), on_click=_close, args=(key,))


def _widget(key: str, name: str) -> str:
    return f"{key}_{name}_{_editors()[key].number}"


def _tell_change(now: Note) -> None:
    when = "" if now.at is None else f" at {now.at:%H:%M:%S} UTC"
    tags = f" Its tags: {plain(', '.join(now.tags))}." if now.tags else " It has no tags."
    st.warning(
        f"Somebody changed this note{when}, after you had opened it.{tags}"
        + (" It reads now:" if now.text else " It is empty now."),
        icon=":material/group:",
    )
    if now.text:
        st.markdown("\n".join(f"> {line}" for line in now.text.splitlines()), anchors=False)


def _open(key: str, search_id: str, trial_id: str | None) -> None:
    number = st.session_state.get(f"{EDITORS}_opened", 0) + 1
    st.session_state[f"{EDITORS}_opened"] = number
    _editors()[key] = Editor(current(search_id, trial_id), number)
    if trial_id is not None:
        pick_trial(trial_id)  # else the page might turn to the next running trial under the person's hands


def _close(key: str) -> None:
    _editors().pop(key, None)


def _save(key: str, search_id: str, trial_id: str | None, over: Note) -> None:
    """Save what the editor holds in place of `over`, which the person has seen; never over anything else."""
    editor = _editors().get(key)
    if editor is None:
        return
    text = str(st.session_state.get(_widget(key, "text")) or "")
    tags = [str(tag).strip() for tag in st.session_state.get(_widget(key, "tags")) or []]
    tags = list(dict.fromkeys(tag for tag in tags if tag))
    if any(len(tag) > LONGEST_TAG for tag in tags):
        editor.error = f"A tag has at most {LONGEST_TAG} characters; put more words into the note."
        return
    with _one_at_a_time:
        catch_up()  # with all that people have stated so far, in whatever process
        if current(search_id, trial_id) != over:
            return  # it has changed since: the editor, drawn again, shows how
        try:
            annotate(home(), search_id, text, tags, trial_id=trial_id)
        except Exception as error:
            log.error("The note on %s was not saved", trial_id or search_id, exc_info=error)
            editor.error = f"Not saved: {explain(error)} What you wrote is still here."
            return
        shown = catch_up()  # so that the person does not see the old words again
    _close(key)
    if not shown:
        st.toast("Saved; it appears as soon as the store has taken it in.", icon=":material/hourglass_top:")

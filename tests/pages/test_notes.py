"""The editor of notes and tags: durable, shown at once, and never silently over what somebody else wrote meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.statements import annotate
from pages.components.notes import excerpt, plain
from store.journal import HOME_JOURNAL, JournalError, replay
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import write_search


def written(home: Path) -> list[tuple[str, str | None, str, list[str]]]:
    return [
        (record["search_id"], record["trial_id"], record["note"], record["tags"])
        for record in replay(home, HOME_JOURNAL)
        if record["kind"] == "annotation"
    ]


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def write(app: AppTest, text: str, tags: list[str] | None = None) -> None:
    app.text_area[0].set_value(text)
    if tags is not None:
        (box,) = [box for box in app.multiselect if box.label == "Tags"]
        box.set_value(tags)


@pytest.fixture
def search_id(home: Path) -> str:
    return write_search(home, trials=1, epochs=1, final=False)


def test_a_note_on_the_published_search_is_saved_and_shown(open_page: OpenPage, home: Path):
    app = press(open_page("search", search=PUBLISHED), "Add a note to this search")
    write(app, "# Reference\nWhat all stands beside.")
    press(app, "Save")
    assert written(home) == [(PUBLISHED, None, "# Reference\nWhat all stands beside.", [])]
    assert "##### Reference\nWhat all stands beside." in words(app)
    assert not app.text_area
    assert "Reference" in words(open_page("searches"))


def test_a_note_on_a_trial_pins_the_trial(open_page: OpenPage, home: Path, search_id: str):
    trial_id = f"{search_id}.00-initial"
    annotate(home, search_id, "of the search", ["known"])
    app = press(open_page("search", search=search_id), "Add a note to this trial")
    assert app.query_params["trial"] == [trial_id] or app.query_params["trial"] == trial_id
    (box,) = [box for box in app.multiselect if box.label == "Tags"]
    assert box.options == ["known"]
    write(app, "Odd", ["known"])
    press(app, "Save")
    assert written(home)[-1] == (search_id, trial_id, "Odd", ["known"])
    assert app.dataframe[0].value["tags"].tolist() == [["known"]]
    press(app, "Edit the note on this trial")
    write(app, "", [])
    press(app, "Save")
    assert written(home)[-1] == (search_id, trial_id, "", [])
    assert "Add a note to this trial" in [button.label for button in app.button]


def test_cancel_writes_nothing(open_page: OpenPage, home: Path, search_id: str):
    app = press(open_page("search", search=search_id), "Add a note to this search")
    write(app, "never mind")
    press(app, "Cancel")
    assert written(home) == []
    app = press(app, "Add a note to this search")
    assert app.text_area[0].value == ""


def test_what_somebody_else_wrote_meanwhile_is_shown_before_it_is_written_over(
    open_page: OpenPage, home: Path, search_id: str
):
    mine, theirs = (press(open_page("search", search=search_id), "Add a note to this search") for _ in range(2))
    write(theirs, "theirs", [])
    press(theirs, "Save")
    write(mine, "mine")
    press(mine, "Save")  # the button as it was before the change was shown
    assert [note for _, _, note, _ in written(home)] == ["theirs"]
    assert "Somebody changed this note" in words(mine)
    assert "> theirs" in words(mine)
    assert mine.text_area[0].value == "mine"
    press(mine, "Save mine over it")
    assert [note for _, _, note, _ in written(home)] == ["theirs", "mine"]
    assert "mine" in words(mine)


def test_mine_can_be_dropped_for_theirs(open_page: OpenPage, home: Path, search_id: str):
    app = press(open_page("search", search=search_id), "Add a note to this search")
    annotate(home, search_id, "theirs", ["t"])
    write(app, "mine")
    press(app, "Save")
    press(app, "Drop mine")
    assert [note for _, _, note, _ in written(home)] == ["theirs"]
    assert "theirs" in words(app)


def test_a_disk_that_refuses_is_told_and_keeps_the_words(
    open_page: OpenPage, home: Path, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise JournalError("Cannot write to the journal x: No space left on device.")

    app = press(open_page("search", search=search_id), "Add a note to this search")
    write(app, "kept")
    monkeypatch.setattr("pages.components.notes.annotate", refuse)
    press(app, "Save")
    assert app.error[0].value.startswith("Not saved: Cannot write to the journal x: No space left on device.")
    assert app.text_area[0].value == "kept"
    monkeypatch.undo()
    monkeypatch.setenv("CELLASCENT_HOME", str(home))
    press(app, "Save")
    assert [note for _, _, note, _ in written(home)] == ["kept"]


def test_a_tag_is_short(open_page: OpenPage, home: Path, search_id: str):
    annotate(home, search_id, "", ["x" * 41])
    app = press(open_page("search", search=search_id), "Edit the note on this search")
    press(app, "Save")
    assert "A tag has at most 40 characters" in app.error[0].value
    assert len(written(home)) == 1


def test_markdown_in_names_and_excerpts_shows_as_it_is() -> None:
    assert plain("a*b_[c](d) #1") == r"a\*b\_\[c\]\(d\) \#1"
    assert excerpt("## **Title**\n\nmore") == "Title …"
    assert excerpt("") == ""
    assert excerpt("one") == "one"
    assert len(excerpt("word " * 100).replace("\\", "")) <= 142

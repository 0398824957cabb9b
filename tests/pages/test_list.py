"""The list of searches: filtered, sorted, grouped and paged by what its address says, notes and tags included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.statements import annotate
from pages.components.list_filter import part
from pages.components.list_order import Wish, all_tags, chosen, grouped, ordered, with_notes, with_trial_notes
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.store.factory import write_search


def row(search_id: str, name: str, **facts: object) -> dict[str, object]:
    day = facts.pop("day", 1)
    begun = pd.Timestamp(f"2026-01-{day:02d}")
    return {
        "search_id": search_id, "name": name, "origin": "own", "dataset_id": "d-1", "dataset_name": "cells",
        "status": "COMPLETE", "val_accuracy": None, "test_accuracy": None, "created_at": begun,
        "finished_at": begun + pd.Timedelta(hours=1), "heartbeat_at": begun, "lost": False, **facts,
    }  # fmt: skip


@pytest.fixture
def searches() -> pd.DataFrame:
    rows = [
        row("s-1", "beta", day=1, val_accuracy=0.9, test_accuracy=0.7),
        row("s-2", "Alpha", day=2, val_accuracy=0.8, test_accuracy=0.9, status="FAILED", dataset_id="d-2"),
        row("s-3", "gamma", day=3, status="RUNNING", finished_at=None, heartbeat_at=pd.Timestamp("2026-01-04")),
        row("s-4", "delta", day=4, status="RUNNING", lost=True, finished_at=None, dataset_id=None, dataset_name=None),
        row("p", "study", origin="published", created_at=None, finished_at=None, heartbeat_at=None, val_accuracy=1.0),
    ]
    notes = pd.DataFrame(
        [
            ("s-1", None, "Odd loss.", ["slow"]),
            ("s-1", "s-1.00-initial", "diverged at once", ["bad start", "slow"]),
            ("p", None, "", ["reference"]),
            ("s-2", "s-2.00-initial", "", []),
        ],
        columns=["search_id", "trial_id", "note", "tags"],
    )
    notes["tags"] = notes["tags"].map(np.array)  # as the store gives them
    frame = pd.DataFrame(rows)
    times = {name: pd.to_datetime(frame[name]) for name in ("created_at", "finished_at", "heartbeat_at")}
    return with_notes(frame.assign(**times), notes)


def ids(frame: pd.DataFrame) -> list[str]:
    return frame["search_id"].tolist()


def test_notes_of_trials_count_as_their_searchs(searches: pd.DataFrame) -> None:
    first = searches.set_index("search_id").loc["s-1"]
    assert (first["note"], first["tags"], first["trial_tags"]) == ("Odd loss.", ["slow"], ["bad start"])
    assert first["trial_notes"] == 1
    assert searches["trial_notes"].sum() == 1  # a note and tags that were taken back count no more
    assert first["seconds"] == 3600
    assert searches.set_index("search_id").loc["s-3", "seconds"] == 86400  # to its last sign of life


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(), ["s-1", "s-2", "s-3", "s-4", "p"]),
        (Wish(words=" ODD LOSS "), ["s-1"]),
        (Wish(words="diverged"), ["s-1"]),
        (Wish(words="reference"), ["p"]),
        (Wish(words="d-2"), ["s-2"]),
        (Wish(words="s-3"), ["s-3"]),
        (Wish(words="cells"), ["s-1", "s-2", "s-3", "p"]),
        (Wish(words=".*"), []),
        (Wish(status="RUNNING"), ["s-3", "s-4"]),
        (Wish(origin="published"), ["p"]),
        (Wish(tags=("slow",)), ["s-1"]),
        (Wish(tags=("slow", "bad start")), ["s-1"]),
        (Wish(tags=("slow", "reference")), []),
        (Wish(words="a", status="FAILED", origin="own"), ["s-2"]),
    ],
)
def test_each_filter_holds(searches: pd.DataFrame, wish: Wish, found: list[str]) -> None:
    assert ids(chosen(searches, wish)) == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", ["s-3", "s-4", "s-2", "s-1", "p"]),  # what runs leads; what is lost does not run
        ("val", ["p", "s-1", "s-2", "s-4", "s-3"]),
        ("test", ["s-2", "s-1", "s-4", "s-3", "p"]),
        ("name", ["s-2", "s-1", "s-4", "s-3", "p"]),
        ("status", ["s-4", "s-3", "s-2", "s-1", "p"]),
        ("duration", ["s-3", "s-2", "s-1", "s-4", "p"]),
    ],
)
def test_each_order(searches: pd.DataFrame, sort: str, order: list[str]) -> None:
    assert ids(ordered(searches, sort)) == order


@pytest.mark.parametrize(
    ("group", "headings"),
    [
        (None, {"": ["s-1", "s-2", "s-3", "s-4", "p"]}),
        ("tag", {"bad start": ["s-1"], "reference": ["p"], "slow": ["s-1"], "without a tag": ["s-2", "s-3", "s-4"]}),
        ("dataset", {"cells (d-1)": ["s-1", "s-3", "p"], "cells (d-2)": ["s-2"], "data not read yet": ["s-4"]}),
        ("status", {"RUNNING": ["s-3", "s-4"], "FAILED": ["s-2"], "COMPLETE": ["s-1", "p"]}),
    ],
)
def test_each_grouping(searches: pd.DataFrame, group: str | None, headings: dict[str, list[str]]) -> None:
    found = {heading: ids(rows) for heading, rows in grouped(searches, group)}
    assert found == headings
    assert list(found) == list(headings)


def test_a_page_runs_through_the_groups(searches: pd.DataFrame) -> None:
    groups = list(grouped(searches, "status"))
    pages = [part(groups, start, start + 2) for start in (0, 2, 4)]
    shown = [[(heading, number, ids(rows)) for heading, number, rows in page] for page in pages]
    assert shown == [
        [("RUNNING", 2, ["s-3", "s-4"])],
        [("FAILED", 1, ["s-2"]), ("COMPLETE", 2, ["s-1"])],
        [("COMPLETE", 2, ["p"])],
    ]


def test_table_3_has_tags_and_notes_only_where_there_are_some() -> None:
    table = pd.DataFrame({"trial": ["a", "b"], "mark": ["", "best"], "epochs": [1, 2]}, index=["t-a", "t-b"])
    none = pd.DataFrame({"trial_id": [], "note": [], "tags": []})
    assert list(with_trial_notes(table, none)) == ["trial", "mark", "epochs"]
    some = pd.DataFrame({"trial_id": [None, "t-b"], "note": ["of the search", "odd"], "tags": [["x"], ["y"]]})
    shown = with_trial_notes(table, some)
    assert list(shown) == ["trial", "mark", "tags", "epochs", "note"]
    assert shown.loc["t-b", "tags"] == ["y"]
    assert shown["note"].tolist() == ["", "odd"]
    assert all_tags(some) == ["x", "y"]


# --- the page ---------------------------------------------------------------------------------------------------------


def names(app: AppTest) -> list[str]:
    return [text.value.strip("*") for text in app.markdown if text.value.startswith(("**Made-up", "**He & Zhou"))]


def test_the_address_alone_makes_the_view(open_page: OpenPage, home: Path):
    found = [write_search(home, seed=seed, trials=1, epochs=1, final=False) for seed in range(12)]
    annotate(home, found[3], "The **odd** one\nmore", ["odd", "slow"])
    annotate(home, found[5], "diverges", ["slow"], trial_id=f"{found[5]}.00-initial")
    annotate(home, PUBLISHED, "", ["reference"])
    assert names(open_page("searches", q="ODD one")) == []  # as it is written, not as it is shown
    app = open_page("searches", q="**odd** one")
    assert names(app) == ["Made-up search 3"]
    assert any("The odd one …" in caption.value for caption in app.caption)
    assert names(open_page("searches", tag="slow", sort="Name")) == ["Made-up search 3", "Made-up search 5"]
    assert names(open_page("searches", origin="Published")) == ["He & Zhou 2025"]
    assert names(open_page("searches", tag="nobody uses it")) == []
    app = open_page("searches", sort="Name", page="2")
    assert names(app) == [f"Made-up search {number}" for number in (5, 6, 7, 8, 9)]  # after 0, 1, 10, 11, 2, ...
    app = open_page("searches", group="Tag", sort="Name")
    assert [title.value for title in app.subheader] == ["odd", "reference", "slow", "without a tag"]
    assert names(app)[:4] == ["Made-up search 3", "He & Zhou 2025", "Made-up search 3", "Made-up search 5"]
    assert not app.error


def test_a_new_wish_begins_at_the_first_page(open_page: OpenPage, home: Path):
    for seed in range(20):
        write_search(home, seed=seed, trials=1, epochs=1, final=False)
    app = open_page("searches", page="2", sort="Name")
    before = names(app)
    assert len(before) == 8
    app.selectbox(key="sort").set_value("status").run()
    assert app.session_state["page"] == 1
    assert names(app) != before

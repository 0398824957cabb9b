"""Which searches the list shows, in which order and under which headings. pandas only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pages.charts.wording import missing

SORTS = {
    "newest": "Newest",
    "val": "Best val accuracy",
    "name": "Name",
    "status": "Status",
    "test": "Test accuracy",
    "duration": "Duration",
}
GROUPS = {"tag": "Tag", "dataset": "Dataset", "status": "Status"}
STATUSES = ("RUNNING", "WAITING", "STOPPED", "FAILED", "COMPLETE")  # what may need a hand comes first
UNTAGGED, NO_DATA = "without a tag", "data not read yet"


@dataclass(frozen=True)
class Wish:
    """What a person asked of the list. `tags`: all of them; None and empty: no wish."""

    words: str = ""
    status: str | None = None
    tags: tuple[str, ...] = ()
    origin: str | None = None
    sort: str = "newest"
    group: str | None = None

    @property
    def filters(self) -> bool:
        return bool(self.words.strip() or self.status or self.tags or self.origin)


def with_notes(searches: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    """`searches` (of the query `listing`) with what people noted about them and about their trials.

    Adds note (of the search itself), tags, trial_tags (those that only trials have), trial_notes (how many trials have
    a note or a tag), text (all that a filter looks into, lower case) and seconds (from its beginning to its end or,
    while it has none, to its last sign of life).
    """
    own: dict[str, tuple[str, list[str]]] = {}
    of_trials: dict[str, tuple[list[str], list[str]]] = {}
    columns = (notes[name] for name in ("search_id", "trial_id", "note", "tags"))
    for search_id, trial_id, note, tags in zip(*columns, strict=True):
        if missing(trial_id):
            own[search_id] = (str(note), list(tags))
        elif note or len(tags):
            texts, found = of_trials.setdefault(search_id, ([], []))
            texts.append(f"{trial_id} {note}")
            found.extend(tags)
    rows = []
    for row in searches[["search_id", "name", "dataset_id", "dataset_name"]].itertuples(index=False):
        note, tags = own.get(str(row.search_id), ("", []))
        texts, others = of_trials.get(str(row.search_id), ([], []))
        data = [str(value) for value in (row.dataset_name, row.dataset_id) if not missing(value)]
        text = "\n".join([str(row.name), str(row.search_id), *data, note, *tags, *texts, *others])
        rows.append((note, tags, sorted(set(others) - set(tags)), len(texts), text.lower()))
    names = ["note", "tags", "trial_tags", "trial_notes", "text"]
    end = searches["finished_at"].fillna(searches["heartbeat_at"])
    seconds = (end - searches["created_at"]).dt.total_seconds()
    return searches.join(pd.DataFrame(rows, columns=names, index=searches.index)).assign(seconds=seconds)


def with_trial_notes(table: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    """A table of trials (indexed by trial_id) with their tags behind its mark and their notes at its end, if any."""
    own = notes.dropna(subset="trial_id").set_index("trial_id").reindex(table.index)
    tags = [list(found) if isinstance(found, Sequence | np.ndarray) else [] for found in own["tags"]]
    texts = own["note"].astype("object").where(own["note"].notna(), "")
    if any(tags):
        table = table.copy()
        table.insert(list(table.columns).index("mark") + 1, "tags", pd.Series(tags, index=table.index))
    return table.assign(note=texts) if (texts != "").any() else table


def all_tags(notes: pd.DataFrame) -> list[str]:
    """Every tag that is in use, sorted."""
    return sorted({str(tag) for tags in notes["tags"] for tag in tags}, key=str.casefold)


def chosen(searches: pd.DataFrame, wish: Wish) -> pd.DataFrame:
    """The searches that fit: all conditions hold. `words` is looked for as it stands, whatever its case."""
    fits = pd.Series(True, index=searches.index)
    words = wish.words.strip().lower()
    if words:
        fits &= searches["text"].str.contains(words, regex=False)
    if wish.status:
        fits &= searches["status"] == wish.status
    if wish.origin:
        fits &= searches["origin"] == wish.origin
    for tag in wish.tags:
        both = zip(searches["tags"], searches["trial_tags"], strict=True)
        fits &= pd.Series([tag in own or tag in others for own, others in both], index=searches.index, dtype=bool)
    return searches[fits]


def ordered(searches: pd.DataFrame, sort: str) -> pd.DataFrame:
    """In the order of one of SORTS; where that does not tell, the newest first. Unknown values come last."""
    newest = searches.sort_values("created_at", ascending=False, na_position="last", kind="stable")
    if sort == "newest":  # what runs leads
        running = (newest["status"] == "RUNNING") & ~newest["lost"].astype(bool)
        return newest.loc[(~running).sort_values(kind="stable").index]
    keys: dict[str, tuple[str, bool, Callable[[pd.Series], pd.Series] | None]] = {
        "val": ("val_accuracy", False, None), "test": ("test_accuracy", False, None),
        "duration": ("seconds", False, None), "name": ("name", True, lambda names: names.str.casefold()),
        "status": ("status", True, lambda values: values.map({name: place for place, name in enumerate(STATUSES)})),
    }  # fmt: skip
    column, ascending, key = keys[sort]
    return newest.sort_values(column, ascending=ascending, na_position="last", kind="stable", key=key)


def grouped(searches: pd.DataFrame, group: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """(heading, searches) in the order of headings; one group without a heading where none is asked for.

    A search with several tags stands under each of them, and one whose trials have a tag under that too.
    """
    if group is None:
        yield "", searches
        return
    headings = _headings(searches, group)
    names = {name for several in headings for name in several}
    last = (UNTAGGED, NO_DATA)
    order: Callable[[str], Any] = STATUSES.index if group == "status" else lambda name: (name in last, name.casefold())
    for heading in sorted(names, key=order):
        yield heading, searches[[heading in several for several in headings]]


def _headings(searches: pd.DataFrame, group: str) -> list[list[str]]:
    if group == "tag":
        both = zip(searches["tags"], searches["trial_tags"], strict=True)
        return [[*own, *others] or [UNTAGGED] for own, others in both]
    if group == "status":
        return [[str(status)] for status in searches["status"]]
    both = zip(searches["dataset_name"], searches["dataset_id"], strict=True)
    return [[NO_DATA if missing(name) else f"{name} ({dataset_id})"] for name, dataset_id in both]

"""Records of some kinds from the journals of one folder, each read once: a call looks only at what is new."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from store.journal import HOME_JOURNAL, Record, journal_files, read_records

OUTLINE = ("search", "search_data", "search_event", "trial", "trial_event")  # of a search, without its numbers
STATED = ("fusion", "operating_point", "tombstone")  # of a home, without its readings
KEPT = 512  # folders


class Followed:
    """The journals of one folder; safe to share between threads."""

    def __init__(self, home: Path, folder: str, kinds: Iterable[str]) -> None:
        self._home, self._folder, self._kinds = home, folder, frozenset(kinds)
        self._offsets: dict[Path, int] = {}
        self._records: dict[Path, list[Record]] = {}
        self._lock = threading.Lock()

    def records(self) -> list[Record]:
        """All records of these kinds so far, file by file; those of files that are gone are gone too."""
        with self._lock:
            files = journal_files(self._home, self._folder)
            for path in files:
                offset = self._offsets.get(path, 0)
                with contextlib.suppress(FileNotFoundError):  # the search is being deleted
                    if path.stat().st_size > offset:
                        fresh, self._offsets[path], _ = read_records(path, offset)
                        kept = self._records.setdefault(path, [])
                        kept += [record for record in fresh if record["kind"] in self._kinds]
            return [record for path in files for record in self._records.get(path, [])]


@lru_cache(maxsize=KEPT)
def outline(home: Path, search_id: str) -> Followed:
    """What a search is and how its trials stand."""
    return Followed(home, search_id, OUTLINE)


@lru_cache(maxsize=8)
def stated(home: Path) -> Followed:
    """What people said of models, and which searches they deleted."""
    return Followed(home, HOME_JOURNAL, STATED)


def latest(records: Iterable[Record], kind: str) -> list[Record]:
    """The latest record of each thing of a kind (by its `<kind>_id`), newest first, without what was taken back."""
    found: dict[str, tuple[tuple[str, int], Record]] = {}
    for record in records:
        if record["kind"] == kind:
            rank, key = (str(record["at"]), int(record["seq"])), str(record[f"{kind}_id"])
            if key not in found or rank > found[key][0]:
                found[key] = rank, record
    ordered = sorted(found.values(), key=lambda one: one[0], reverse=True)
    return [record for _, record in ordered if not record["removed"]]

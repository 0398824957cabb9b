"""Removing the files of deleted searches."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from store.journal import HOME_JOURNAL, decode, journal_files, journal_folder, read_lines, write_durably
from store.locks import locked
from store.rows import deleted_search

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")  # an id becomes part of paths: nothing else may name a folder


def remove_files(home: Path, search_id: str) -> bool:
    """Remove journals, trials, commands and logs of a deleted search; False while a process of it still runs.

    Call it only when the deletion is recorded and committed. Records in its journals that are about no search
    (datasets), or that delete one, are kept: they move to the home journal first.
    """
    if not _PLAIN_ID.fullmatch(search_id):
        return True
    folders = [home / part / search_id for part in ("searches", "logs")]
    folders += [folder for folder in (home / "trials").glob(f"{search_id}.*") if folder.is_dir()]
    if any(locked(folder / "lock") for folder in folders):
        return False
    journals = journal_folder(home, search_id)
    _keep_the_rest(home, search_id)
    for folder in (*folders, journals):
        shutil.rmtree(folder, ignore_errors=True)
    return not journals.exists()


def _keep_the_rest(home: Path, search_id: str) -> None:
    target = journal_folder(home, HOME_JOURNAL) / f"kept-{search_id}-1-{0:012x}.jsonl"
    if target.exists():  # whole, since it was renamed into place: an earlier try went so far
        return
    keep = []
    for path in journal_files(home, search_id):
        for _, line in read_lines(path):
            record = decode(line)
            if record is not None and ("search_id" not in record or deleted_search(record) is not None):
                keep.append(line + b"\n")
    if keep:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, b"".join(keep))

"""`python -m core note`: note and tags of a search or a trial from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.search.commands import CommandError, deleted
from core.statements import annotate
from store.journal import HOME_JOURNAL, Record, replay


def take_note(
    home: Path, search_id: str, trial: str | None, text: str | None, tags: list[str] | None,
    published: Iterable[Record] = (),
) -> str:  # fmt: skip
    """Set what is given, keep the rest, and return how note and tags read then.

    Args:
        trial: its id, with or without the search's before it; None for the search itself.
        text, tags: None: as they are. No text and no tags only tell what is there.
        published: the records of the search that ships with the software.

    Raises:
        CommandError: there is no such search or trial.
        JournalError: the disk refuses.
    """
    trial_id = None if trial is None else trial if trial.startswith(f"{search_id}.") else f"{search_id}.{trial}"
    records = [record for record in published if record.get("search_id") == search_id] or replay(home, search_id)
    kinds = {(record["kind"], record.get("trial_id")) for record in records if record["kind"] in ("search", "trial")}
    if ("search", None) not in kinds or search_id in deleted(home):
        raise CommandError(f"There is no search {search_id} in {home}.")
    if trial_id is not None and ("trial", trial_id) not in kinds:
        raise CommandError(f"Search {search_id} has no trial {trial}.")
    note, known = noted(home, search_id, trial_id)
    if text is not None or tags is not None:
        annotate(home, search_id, note if text is None else text, known if tags is None else tags, trial_id=trial_id)
        note, known = noted(home, search_id, trial_id)
    return "\n".join([f"{trial_id or search_id}: {', '.join(known) or 'no tags'}", note or "no note"])


def noted(home: Path, search_id: str, trial_id: str | None) -> tuple[str, list[str]]:
    """Note and tags as the journals tell them: the latest statement counts."""
    found = [
        record
        for record in replay(home, HOME_JOURNAL)
        if record["kind"] == "annotation"
        and record["search_id"] == search_id
        and (record.get("trial_id") or None) == trial_id
    ]
    last = max(found, key=lambda record: str(record["at"]), default={"note": "", "tags": []})
    return str(last["note"]), list(last["tags"])

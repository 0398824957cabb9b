"""What trials are called where trials of several searches meet: short, and no two alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.search.state import FINAL, OFF_PATH, WHAT_IF
from pages.charts.wording import LONG, change, missing, short_point

LONGEST = 30  # characters of a search's name


def number(row: Mapping[Any, Any]) -> str:
    """'trial 7', counted from 1 in the order asked; 'final, seed 3'; 'what-if lr 1e-4, batch 20, 24 epochs'.

    Of a search that trains every listed point, what sets the trial apart: 'masked', 'resnet50-jitter'.
    """
    if row["coordinate"] == FINAL:
        return "final" if missing(row["seed"]) else f"final, seed {int(row['seed'])}"
    if row["coordinate"] == WHAT_IF:
        return f"what-if {short_point(row)}"
    if not missing(row["cycle"]) and row["coordinate"] not in {"initial", *LONG}:
        return str(row["coordinate"])
    return "trial" if missing(row["position"]) else f"trial {int(row['position']) + 1}"


def search_names(trials: pd.DataFrame) -> dict[str, str]:
    """The name of each search of these trials; with the end of its id where two have the same name."""
    searches = trials.drop_duplicates("search_id")
    names = [_short(str(name)) for name in searches["search_name"]]
    return {
        str(search_id): name if names.count(name) == 1 else f"{name} {str(search_id)[-6:]}"
        for search_id, name in zip(searches["search_id"], names, strict=True)
    }


def trial_names(trials: pd.DataFrame, *, alone: bool = False) -> dict[str, str]:
    """'trial 7' where all are of one search, else 'trial 7 of blood5'; by trial_id, in the order of the rows.

    `alone`: what stands around the names does not tell the search, so each names it.
    """
    searches = search_names(trials)
    names = {}
    for row in trials.to_dict("records"):
        name = number(row)
        names[str(row["trial_id"])] = f"{name} of {searches[row['search_id']]}" if alone or len(searches) > 1 else name
    return names


def choices(trials: pd.DataFrame) -> dict[str, str]:
    """Everything that can be chosen: each whole search, and then its trials; by the id that the address names."""
    searches = search_names(trials)
    counts = trials["search_id"].value_counts()
    found: dict[str, str] = {}
    for row in trials.to_dict("records"):
        search_id, name = str(row["search_id"]), searches[str(row["search_id"])]
        if search_id not in found:
            found[search_id] = f"{name} · all {counts[search_id]} trials"
        of_trial = number(row)
        moved = "" if row["coordinate"] in (*OFF_PATH, of_trial) else f" · {change(row)}"
        found[str(row["trial_id"])] = f"{name} · {of_trial}{moved}"
    return found


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"

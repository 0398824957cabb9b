"""The pages' way to the store: one query, one DataFrame, kept until the store has something new."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.paths import default_home
from store import queries
from store.owner import StoreOwner, shared

# Queries whose results change with readings, or with every line of a journal.
READINGS = frozenset({
    "reading", "readings", "reading_count", "reading_choices", "review_counts", "reviews", "gatherable", "journals",
})  # fmt: skip
# Queries that say of what runs whether its process is gone, which no record tells.
AGING = frozenset({"listing", "search", "searches", "trial", "trials", "jobs"})
AGE = 10  # s
PATIENCE = 5.0  # s that a person waits for the store to take in what was said; by far longer than it takes


def home() -> Path:
    """The folder where everything lies."""
    return default_home()


def owner() -> StoreOwner:
    return shared(home())


def catch_up(seconds: float = PATIENCE) -> bool:
    """Let the store take in what was just said, so that the page shows it; False where that takes longer."""
    return owner().catch_up(seconds)


def read(query: str, *arguments: Any) -> pd.DataFrame:
    """The result of `store.queries.<query>`; computed once for each version of what it reads.

    A reading changes nothing of searches and data: while many are made, all else need not be read again for each.
    """
    current = owner()
    version = current.version if query in READINGS else current.research_version
    moment = int(time.monotonic() // AGE) if query in AGING else 0
    return _read(str(home()), id(current), version, moment, query, arguments)


@st.cache_data(max_entries=128, show_spinner=False)
def _read(home: str, owner_id: int, version: int, moment: int, query: str, arguments: tuple[Any, ...]) -> pd.DataFrame:
    result: pd.DataFrame = getattr(queries, query)(owner().cursor(), *arguments)
    return result


def record(query: str, *arguments: Any) -> dict[str, Any] | None:
    """The only row of a query as a dict, or None."""
    rows = read(query, *arguments)
    return None if rows.empty else {str(name): value for name, value in rows.iloc[0].to_dict().items()}

"""Some searches without the store: a database in memory made from their own journals, beside whoever has the file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from store.database import open_memory, prepare
from store.ingest import Ingestor
from store.journal import HOME_JOURNAL, journal_files


def store_of(home: Path, *search_ids: str) -> duckdb.DuckDBPyConnection:
    """What the journals of some searches say, and those of the home (notes, deletions); the published one is there too.

    The caller closes it.
    """
    own = [path for folder in (*search_ids, HOME_JOURNAL) for path in journal_files(home, folder)]
    sizes = {f"{path.parent.name}/{path.name}": path.stat().st_size for path in own}
    connection = open_memory()
    prepare(connection)
    Ingestor(connection, home, limits=sizes).poll()
    return connection

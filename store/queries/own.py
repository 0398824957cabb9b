"""The store itself: its journals and what was damaged in them."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def journals(cursor: Cursor) -> pd.DataFrame:
    """How far each journal has been applied.

    Columns: path, search_id, read_bytes, records, damaged, unknown (lines), read_at.
    """
    return frame(cursor, "SELECT * FROM journal ORDER BY path")


def damage(cursor: Cursor) -> pd.DataFrame:
    """Journal lines that were left out. Columns: journal, line_at (byte position), reason."""
    return frame(cursor, "SELECT * FROM damage ORDER BY journal, line_at")

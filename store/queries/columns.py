"""The tables that people query, and their columns."""

from __future__ import annotations

import pandas as pd

from store.contract import TABLES, comment
from store.queries.frame import Cursor, frame


def columns(cursor: Cursor) -> pd.DataFrame:
    """Every column of the tables that people query, in the order in which they are told.

    Columns: table, column, type, comment (what it holds).
    """
    found = frame(
        cursor,
        """
        SELECT table_name AS "table", column_name AS "column", data_type AS "type"
        FROM duckdb_columns()
        WHERE database_name = current_database() AND list_contains(?::VARCHAR[], table_name)
        ORDER BY list_position(?::VARCHAR[], table_name), column_index
        """,
        [list(TABLES), list(TABLES)],
    )
    said = [comment(table, column) for table, column in zip(found["table"], found["column"], strict=True)]
    return found.assign(comment=pd.Series(said, index=found.index, dtype=object))

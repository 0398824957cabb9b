"""What every query shares: a cursor of the calling thread, and its result read whole."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

Cursor = duckdb.DuckDBPyConnection


def frame(cursor: Cursor, sql: str, parameters: list[Any] | dict[str, Any] | None = None) -> pd.DataFrame:
    """The whole result."""
    result: pd.DataFrame = cursor.execute(sql, parameters).df()
    return result

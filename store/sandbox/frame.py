"""A result as pandas has it. Only in the app's process: the query's own does without pandas, a second to load."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

ELSEWHERE = "(in the downloads)"


def to_frame(table: pa.Table) -> pd.DataFrame:
    """The table as a DataFrame. Whole numbers stay whole where some are missing."""
    return pd.DataFrame({name: _series(column) for name, column in zip(table.column_names, table.columns, strict=True)})


def _series(column: pa.ChunkedArray) -> pd.Series:
    try:
        if pa.types.is_signed_integer(column.type) and column.null_count:
            return pd.Series(column.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
        return pd.Series(column.to_pandas())
    except (ValueError, pa.ArrowException):  # such as a date inside of a list that Python does not have
        return pd.Series([ELSEWHERE] * len(column))

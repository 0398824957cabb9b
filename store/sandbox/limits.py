"""What a query may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one query.

    Attributes:
        seconds: from the moment its process is ready until its result is whole.
        memory_mb: MB that DuckDB may use; nothing is spilled to disk. The process as a whole gets `SPARE_MB` more.
        shown_rows, shown_mb: of the result, for the browser.
        kept_rows, kept_mb: of the result, for the downloads; as Arrow has it, which Parquet is far smaller than, and
            CSV up to three times as large.
        cell_chars: longest text of a cell in the browser; the downloads have it whole.
    """

    seconds: float = 30.0
    memory_mb: int = 512
    shown_rows: int = 10_000
    shown_mb: int = 8
    kept_rows: int = 1_000_000
    kept_mb: int = 200
    cell_chars: int = 1_000


SPARE_MB = 768  # for Python, Arrow and the Parquet writer beside DuckDB
START_SECONDS = 60.0  # in which a process must be ready; generous, since trainings may have all cores
AT_ONCE = 2  # queries that run at the same time; more wait for their turn

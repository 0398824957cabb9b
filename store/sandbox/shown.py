"""A result for the browser: short cells, and types that every table and chart can take."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

NESTED_BYTES = 2_000  # of a cell, on average, above which lists are cut
NESTED_ITEMS = 20  # that are left then


def shortened(batch: pa.RecordBatch, chars: int) -> tuple[pa.RecordBatch, bool]:
    """The batch with long texts and lists cut, odd types as text or plain numbers; and whether something was cut."""
    columns, cut = [], False
    for column in batch.columns:
        column = _plain(column)
        column, shorter = _text(column, chars) if pa.types.is_string(column.type) else _nested(column, chars)
        columns.append(column)
        cut |= shorter
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names), cut


def united(batches: list[pa.RecordBatch]) -> pa.Table:
    """One table of batches that `shortened` gave: a column that it treated otherwise here and there gets one type."""
    columns = []
    for at in range(batches[0].num_columns):
        arrays = [batch.column(at) for batch in batches]
        kinds = {array.type for array in arrays}
        if len(kinds) > 1:
            numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)
            arrays = [array.cast(pa.float64()) if numbers else _as_text(array) for array in arrays]
        columns.append(pa.chunked_array(arrays))
    return pa.Table.from_arrays(columns, names=batches[0].schema.names)


def _as_text(column: pa.Array) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())


def _plain(column: pa.Array) -> pa.Array:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):  # JSON
        column, kind = column.storage, kind.storage_type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return _number(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if value is None else value[:500].hex() for value in column.to_pylist()], pa.string())
    if pa.types.is_time(kind):  # 24:00:00 is one in SQL, but none in Python
        return column.cast(pa.string())
    if pa.types.is_date(kind) and _far(column):
        return column.cast(pa.string())
    return column


def _number(column: pa.Array) -> pa.Array:
    """A decimal (the sum of integers is one) as the number that a chart can draw."""
    if column.type.scale == 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    return column.cast(pa.float64())


def _far(column: pa.Array) -> bool:
    """Whether a date lies outside of the years 1 to 9999, which Python's dates do not."""
    days = column.cast(pa.int32()) if column.type == pa.date32() else column.cast(pa.int64())
    bounds = pc.min_max(days).as_py()
    return bounds["min"] is not None and (bounds["min"] < -719_162 or bounds["max"] > 2_932_896)


def _text(column: pa.Array, chars: int) -> tuple[pa.Array, bool]:
    longest = pc.max(pc.utf8_length(column)).as_py()
    if longest is None or longest <= chars:
        return column, False
    short = pc.utf8_slice_codeunits(column, 0, chars)
    marked = pc.binary_join_element_wise(short, pa.scalar("…"), "")
    return pc.if_else(pc.greater(pc.utf8_length(column), chars), marked, column), True


def _nested(column: pa.Array, chars: int) -> tuple[pa.Array, bool]:
    if not pa.types.is_nested(column.type) or column.nbytes <= NESTED_BYTES * max(1, len(column)):
        return column, False
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        column = pc.list_slice(column, 0, NESTED_ITEMS, return_fixed_size_list=False)
        if column.nbytes <= NESTED_BYTES * max(1, len(column)):
            return column, True
    text = [None if value is None else str(value)[:chars] + "…" for value in column.to_pylist()]
    return pa.array(text, pa.string()), True

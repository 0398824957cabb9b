"""What can be queried: the tables, their columns, and what each holds."""

from __future__ import annotations

import streamlit as st

from pages.components.csv_button import csv_button
from pages.components.data import read
from store.contract import TABLES, comment

ROW = 33  # px


def tables() -> None:
    """Folded away; the chosen table stands in the address."""
    with st.expander("Tables and columns", icon=":material/table:", key="tables", bind="query-params"):
        name = st.pills(
            "Table", TABLES, default=TABLES[2], required=True, key="table", bind="query-params",
            label_visibility="collapsed",
        ) or TABLES[2]  # fmt: skip
        columns = read("columns")
        own = columns[columns["table"] == name].drop(columns="table")
        st.caption(f"**{name}**: {comment(name)}.")
        st.dataframe(
            own, hide_index=True, row_height=ROW, height=ROW * (min(len(own), 12) + 1) + 3, key="columns",
            alt=f"Columns of the table {name}, their types and what they hold",
            column_config={
                "column": st.column_config.TextColumn(width="small"),
                "type": st.column_config.TextColumn(width="small"),
                "comment": st.column_config.TextColumn("what it holds", width="large"),
            },
        )  # fmt: skip
        csv_button(lambda: columns, "columns", "columns_csv", label="All tables (CSV)")
        st.caption(
            "Rates are in [0, 1], losses plain means per image, times UTC. The tables behind these (FROM "
            "duckdb_columns() tells all) hold the records that the journals give."
        )

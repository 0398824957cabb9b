"""Read-only SQL over the store: written here, run in a process of its own, shown as a table and a chart."""

from pages.components import query_result
from pages.components.query_address import SQL
from pages.components.query_editor import editor
from pages.components.query_run import finished, query_of
from pages.components.query_tables import tables

shown = editor()
tables()
query = query_of(shown[SQL])
if finished(query) and query.outcome is not None:
    if query.outcome.error is not None:
        query_result.error(query.outcome)
    else:
        query_result.result(query, query.outcome, shown)

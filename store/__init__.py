"""The experiment store: journals are the record, DuckDB is made from them. Imports nothing of the other packages."""

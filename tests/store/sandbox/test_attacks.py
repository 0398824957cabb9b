"""What a query must not do: write, reach files or other databases, change settings. One process tries it all."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from store.sandbox.sentences import OUT_OF_REACH
from tests.store.sandbox.child import answers, make_snapshot
from tests.store.sandbox.conftest import LIMITS

# {secret} is a file outside, {other} another database, {own} the snapshot itself, {folder} where they lie.
NOT_READING = (
    "INSERT INTO trial_record (trial_id, search_id) VALUES ('x', 'y')",
    "UPDATE trial_record SET seed = 1",
    "DELETE FROM trial_record",
    "TRUNCATE trial_record",
    "MERGE INTO journal USING journal j ON journal.path = j.path WHEN MATCHED THEN DELETE",
    "CREATE TABLE t (a INTEGER)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE MACRO f(a) AS a",
    "CREATE SECRET s (TYPE s3)",
    "DROP TABLE epoch_split",
    "ALTER TABLE epoch_split ADD COLUMN x INTEGER",
    "COMMENT ON TABLE epoch_split IS 'x'",
    "ATTACH '{secret}' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH snapshot",
    "USE memory",
    "COPY epoch_split TO '{folder}/x.csv'",
    "COPY (SELECT 1) TO '{own}'",
    "COPY (SELECT 1) TO '{own}.wal'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "COPY journal FROM '{secret}'",
    "EXPORT DATABASE '{folder}/x'",
    "IMPORT DATABASE '{folder}/x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET lock_configuration = false",
    "SET VARIABLE a = 1",
    "RESET memory_limit",
    "PRAGMA threads = 64",
    "PRAGMA enable_profiling",
    "PRAGMA profile_output = '{folder}/x'",
    "PRAGMA database_size",
    "CALL enable_logging(storage = 'file', storage_path = '{folder}/x')",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXPLAIN ANALYZE DELETE FROM epoch_split",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}.wal' (USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)",
    "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO '{own}.wal'",
    "EXPLAIN COPY (SELECT 1) TO '{own}'",
    # what is judged must be what runs, and no comment or string may part the two
    "--EXPLAIN\nEXPLAIN ANALYZE COPY (SELECT ' \nSELECT 1 --') TO '{folder}/results/store.duckdb.wal' (FORMAT csv)",
    "explain\n analyze set threads = 64",
)
FILES = (
    "FROM read_csv('{secret}')",
    "FROM '{secret}'",
    "FROM read_text('{secret}')",
    "FROM read_blob('{secret}')",
    "FROM read_json('{secret}')",
    "FROM read_parquet('{secret}')",
    "FROM sniff_csv('{secret}')",
    "FROM parquet_metadata('{secret}')",
    "FROM read_duckdb('{other}', table_name = 'secrets')",
    "FROM glob('/*')",
    "FROM read_text('https://example.org/x')",
    "FROM query('FROM read_text(''{secret}'')')",
    "SELECT (SELECT content FROM read_text('{secret}'))",
    "WITH w AS (FROM read_csv('{secret}')) FROM w",
    "SUMMARIZE (FROM read_csv('{secret}'))",
    "DESCRIBE FROM read_csv('{secret}')",
    "EXPLAIN ANALYZE FROM read_csv('{secret}')",
    "PIVOT (FROM read_csv('{secret}')) ON a",
    "FROM duckdb_secrets()",
)
OTHER = (
    ("EXPLAIN (ANALYZE /*) SELECT 1 --*/) COPY (SELECT 1) TO '{folder}/results/store.duckdb.wal'", "rror"),
    ("EXPLAIN /* x */ ANALYZE COPY (SELECT 1) TO '{own}.wal'", "rror"),
    ("/* EXPLAIN x */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}.wal'", "statement"),
    ("/* x */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}.wal'", "statement"),
    ("EXPLAIN (ANALYZE, FORMAT ')') COPY (SELECT 1) TO '{own}.wal'", "rror"),
    ("WITH gone AS (DELETE FROM epoch_split RETURNING *) FROM gone", "Nothing can be written here"),
    ("SELECT getenv('HOME')", "getenv does not exist"),
    ("FROM limits", "limits does not exist"),  # a variable of the Python around it
    ("FROM nextval('x')", "does not exist"),
    ("SELECT 1; DROP TABLE epoch_split", "These are 2 statements: run one at a time."),
    ("SELECT 1; SELECT 2;", "These are 2 statements"),
    ("", "There is no statement in this query"),
    ("-- nothing", "There is no statement in this query"),
    ("SELECT $1", "Values were not provided"),
    ("SELECT error('thrown')", "thrown"),
    ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "depth"),
)


class Tried:
    """Every statement of this file, tried in one process, and what lies in its folder afterwards."""

    def __init__(self, folder: Path) -> None:
        self.secret, self.own = folder / "secret.csv", folder / "snapshot.duckdb"
        self.secret.write_text("word\nsesame\n")
        other = folder / "other.duckdb"
        with duckdb.connect(str(other)) as connection:
            connection.execute("CREATE TABLE secrets AS SELECT 'sesame' AS word")
        make_snapshot(folder / "home", self.own)
        self.folder = folder / "results"
        self.folder.mkdir()
        self.before = self.own.read_bytes()
        self._places = {"secret": str(self.secret), "own": str(self.own), "other": str(other), "folder": str(folder)}
        statements = [self.fill(sql) for sql in (*NOT_READING, *FILES, *(sql for sql, _ in OTHER), "FROM epoch_split")]
        self.answers = answers(self.own, self.folder, LIMITS, statements)
        self.wal = [path.name for path in folder.glob("snapshot.duckdb?*")]
        self.folder_after = sorted(path.name for path in folder.iterdir())

    def fill(self, sql: str) -> str:
        for name, path in self._places.items():
            sql = sql.replace(f"{{{name}}}", path)
        return sql

    def error(self, sql: str) -> str:
        return str(self.answers[self.fill(sql)]["error"])


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    return Tried(tmp_path_factory.mktemp("tried"))


@pytest.mark.parametrize("sql", NOT_READING)
def test_only_reading_statements_are_run(tried: Tried, sql: str):
    assert tried.error(sql).startswith("Only statements that read are run here (SELECT, ")


@pytest.mark.parametrize("sql", FILES)
def test_files_and_networks_are_out_of_reach(tried: Tried, sql: str):
    assert tried.error(sql) == OUT_OF_REACH
    assert "sesame" not in json.dumps(tried.answers[tried.fill(sql)])


@pytest.mark.parametrize(("sql", "said"), OTHER, ids=[sql[:40] for sql, _ in OTHER])
def test_other_ways_out_are_refused_in_one_sentence(tried: Tried, sql: str, said: str):
    error = tried.error(sql)
    assert said in error
    assert "\n" not in error
    assert "Stack Trace" not in error


def test_nothing_was_written_and_the_store_still_answers(tried: Tried):
    assert tried.own.read_bytes() == tried.before
    assert tried.wal == [], "the snapshot has got a log that others would replay"
    assert tried.folder_after == ["home", "other.duckdb", "results", "secret.csv", "snapshot.duckdb"]
    assert tried.answers["FROM epoch_split"]["error"] is None
    assert tried.answers["FROM epoch_split"]["rows"] > 0
    left = {path.name for path in tried.folder.iterdir()}
    assert {"result.parquet", "shown.arrow"} <= left
    assert {name for name in left if not name.startswith("store.duckdb")} == {"result.parquet", "shown.arrow"}


def test_the_paths_that_duckdb_allows_cannot_be_written(tried: Tried):
    """What would be left if a statement got past the judgement of its kind."""
    assert (tried.folder / "store.duckdb").is_dir()
    assert (tried.folder / "store.duckdb.wal").is_dir()

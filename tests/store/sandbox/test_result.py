"""Results: every type comes through, names are unique, long cells are cut for the browser and whole in the files."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import StoreError
from store.sandbox.frame import to_frame
from store.sandbox.result import unique_names
from store.sandbox.shown import shortened, united
from tests.store.sandbox.child import answers, make_snapshot
from tests.store.sandbox.conftest import LIMITS, Ask


def test_every_type_of_duckdb_comes_through(ask: Ask):
    query = ask("FROM test_all_types()")
    assert query.outcome is not None
    assert query.outcome.error is None
    shown = query.shown()
    assert len(shown) == 3
    columns = dict(query.outcome.columns)
    assert columns["interval"] == "INTERVAL"
    assert shown["interval"].tolist()[:2] == ["00:00:00", "83 years 3 months 999 days 00:16:39.999999"]
    assert shown["union"].tolist()[:2] == ["Frank", "5"]
    assert shown["small_enum"].tolist()[:2] == ["DUCK_DUCK_ENUM", "GOOSE"]
    whole = pq.read_table(io.BytesIO(query.parquet()))
    assert whole.column_names == list(shown.columns)
    with pytest.raises(StoreError, match=r"^The result cannot be written as CSV \(.*\): take the Parquet file\.$"):
        query.csv()  # the smallest HUGEINT is a decimal that DuckDB itself cannot print
    assert len(ask("SELECT * EXCLUDE (hugeint, uhugeint) FROM test_all_types()").csv().splitlines()) > 3


def test_rows_that_are_cut_are_counted(ask: Ask):
    query = ask("SELECT repeat('é', 5000) AS text, range(3000) AS numbers, range AS n FROM range(400)")
    outcome = query.outcome
    assert outcome is not None
    assert outcome.error is None
    assert outcome.cells_cut
    assert outcome.rows == 400
    assert outcome.shown_rows == len(query.shown())
    text, numbers, n = query.shown().iloc[0]
    assert (text, list(numbers), n) == ("é" * 1000 + "…", list(range(20)), 0)
    whole = pq.read_table(io.BytesIO(query.parquet()))
    assert whole.column("text")[0].as_py() == "é" * 5000
    assert len(whole.column("numbers")[399].as_py()) == 3000


def test_few_rows_are_shown_where_rows_are_long(ask: Ask):
    query = ask("SELECT range(200) AS a, range(200) AS b, range(200) AS c FROM range(2000)")
    assert query.outcome is not None
    assert 100 < query.outcome.shown_rows < 300  # 1 MB of rows of 4.8 kB
    assert query.outcome.rows == 2000


def test_an_empty_result_keeps_its_columns(ask: Ask):
    query = ask("SELECT seed, settings, started_at, probabilities FROM trial, prediction WHERE false")
    assert list(query.shown().columns) == ["seed", "settings", "started_at", "probabilities"]
    assert query.csv() == b"seed,settings,started_at,probabilities\n"


def test_names_are_made_unique(ask: Ask):
    query = ask('SELECT 1 AS a, 2 AS a, 3 AS "a_1", 4 AS "say ""x""", INTERVAL 1 DAY AS a')
    assert list(query.shown().columns) == ["a", "a_1", "a_1_1", 'say "x"', "a_2"]
    assert [kind for _, kind in query.outcome.columns] == ["INTEGER"] * 4 + ["INTERVAL"]  # type: ignore[union-attr]


FAULTS = (
    ("SELECT nope\nFROM trial", 'Binder Error: Referenced column "nope" not found', "LINE 1: SELECT nope\n"),
    ("FROM trial\nWHERE seed = 'x'", "Conversion Error: Could not convert string 'x' to INT64", "LINE 2: WHERE"),
    ("SELECT INTERVAL 1 DAY,\n  1 / 'x'", "Conversion Error", "LINE 2:   1 / 'x'"),
    ("SELECT CAST(range + 2147483000 AS INTEGER), INTERVAL 1 DAY\nFROM range(900)", "Conversion Error", "LINE 1: "),
    ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"', "LINE 1: SELEC 1\n        ^^^^^"),
    ("FROM nothing", "Catalog Error: Table with name nothing does not exist!", "LINE 1: FROM nothing"),
)
READING = (
    "EXPLAIN FROM trial", "EXPLAIN ANALYZE FROM trial", "EXPLAIN (FORMAT json) FROM trial", "DESCRIBE trial",
    "SHOW TABLES", "SUMMARIZE trial", "PIVOT trial ON coordinate USING count(*) GROUP BY search_id", "VALUES (1), (2)",
    "TABLE trial;", "SHOW ALL TABLES", "FROM (SUMMARIZE trial)",
)  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("said")
    make_snapshot(folder / "home", folder / "snapshot.duckdb")
    (folder / "results").mkdir()
    return answers(folder / "snapshot.duckdb", folder / "results", LIMITS, [*(sql for sql, _, _ in FAULTS), *READING])


@pytest.mark.parametrize(("sql", "error", "detail"), FAULTS)
def test_a_fault_is_marked_in_the_persons_own_sql(said: dict[str, dict[str, Any]], sql: str, error: str, detail: str):
    assert said[sql]["error"].startswith(error)
    assert "\n" not in said[sql]["error"]
    assert said[sql]["detail"].startswith(detail)


@pytest.mark.parametrize("sql", READING)
def test_every_way_of_reading(said: dict[str, dict[str, Any]], sql: str):
    assert said[sql]["error"] is None
    assert said[sql]["rows"] > 0


@given(st.lists(st.text(max_size=3)))
def test_unique_names(names: list[str]):
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    assert all(unique)
    for name, fresh in zip(names, unique, strict=True):
        assert fresh.startswith(name)
    if len(set(names)) == len(names) and all(names):
        assert unique == names


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=8), st.integers(1, 12))
def test_short_texts_stay_and_long_ones_are_marked(texts: list[str | None], chars: int):
    batch, cut = shortened(pa.RecordBatch.from_arrays([pa.array(texts, pa.string())], names=["a"]), chars)
    assert cut == any(text is not None and len(text) > chars for text in texts)
    for text, short in zip(texts, batch.column(0).to_pylist(), strict=True):
        assert short == (text if text is None or len(text) <= chars else text[:chars] + "…")


def test_one_type_a_column_over_all_batches():
    sums = [duckdb.sql(f"SELECT {value}::HUGEINT AS a, [range(n)] AS b FROM (VALUES ({n})) t(n)") for value, n in
            ((1, 2), (10**30, 3_000))]  # fmt: skip
    batches = [shortened(one.to_arrow_table().to_batches()[0], 50)[0] for one in sums]
    table = united(batches)
    assert table.column("a").to_pylist() == [1.0, 1e30]
    assert table.schema.field("b").type == pa.string()
    assert isinstance(to_frame(table), pd.DataFrame)

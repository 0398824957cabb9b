"""The page Query: links, examples, errors, cancel; charts of any result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from pages.charts import result_chart as charts
from pages.components.query_address import LATE_SECONDS
from pages.components.query_result import told
from store.queries.examples import EXAMPLES
from store.sandbox.desk import close_shared, shared
from store.sandbox.query import Outcome
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import write_search
from tests.store.factory_readings import write_history


@pytest.fixture(autouse=True)
def desks_close(home: Path) -> Iterator[None]:
    yield
    close_shared()


def until_done(app: AppTest) -> AppTest:
    """The page once more, until no query runs."""
    deadline = time.monotonic() + 60
    while any(button.key == "cancel_query" for button in app.button):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app


def error_of(app: AppTest) -> str:
    """The error as a person reads it: without what keeps it from being taken for Markdown."""
    return str(app.error[0].value).replace("\\", "")


def address(app: AppTest, name: str) -> str:
    value = app.query_params.get(name, "")
    return value if isinstance(value, str) else value[0]


def test_a_link_runs_its_query_and_draws_it(open_page: OpenPage, home: Path):
    write_search(home, trials=3, epochs=2)
    sql = "SELECT epoch, split, avg(accuracy) AS accuracy FROM epoch GROUP BY ALL ORDER BY ALL"
    app = until_done(open_page("query", sql=sql, chart="line", x="epoch", y="accuracy", colour="split"))
    assert app.text_area[0].value == sql
    frame = app.dataframe[-1].value
    assert set(frame["split"]) == {"train", "val", "calibration", "test"}
    assert [app.selectbox(key=f"query_{name}").value for name in ("x_epoch", "y_accuracy", "colour_split")] == [
        "epoch", "accuracy", "split",
    ]  # fmt: skip
    assert f"{len(frame)} rows in" in words(app)
    assert "the store as of" in words(app)
    assert (address(app, "chart"), address(app, "x")) == ("line", "epoch")


def test_without_a_link_the_first_example_is_shown(open_page: OpenPage):
    app = until_done(open_page("query"))
    assert address(app, "sql") == EXAMPLES[0].sql
    assert "13 rows in" in words(app) or "14 rows in" in words(app)


def test_an_example_brings_its_chart_and_the_next_one_takes_it_away(open_page: OpenPage):
    app = until_done(open_page("query", sql="SELECT 1 AS one"))
    app.selectbox(key="query_example").set_value(example("Epochs saved")).run()
    until_done(app)
    assert (address(app, "chart"), address(app, "x"), address(app, "y")) == ("bar", "search", "saved")
    assert app.text_area[0].value == example("Epochs saved").sql
    app.selectbox(key="query_example").set_value(example("Trials that failed")).run()
    until_done(app)
    assert (address(app, "chart"), address(app, "x")) == ("", "")
    assert "0 rows in" in words(app)


def test_an_older_address_of_a_late_beat_changes_nothing(open_page: OpenPage):
    app = until_done(open_page("query", sql="SELECT 1 AS one"))
    app.text_area[0].set_value("SELECT 2 AS two")
    app.button(key="FormSubmitter:query_form-Run").click().run()
    until_done(app)
    assert address(app, "sql") == "SELECT 2 AS two"
    app.query_params["sql"] = "SELECT 1 AS one"
    until_done(app.run())
    assert address(app, "sql") == app.text_area[0].value == "SELECT 2 AS two"
    app.session_state["query_chosen_at"] -= LATE_SECONDS  # later it is the browser's Back button
    app.query_params["sql"] = "SELECT 1 AS one"
    until_done(app.run())
    assert address(app, "sql") == app.text_area[0].value == "SELECT 1 AS one"


def test_an_error_is_a_sentence_and_the_place(open_page: OpenPage):
    app = until_done(open_page("query", sql="SELECT nope\nFROM trial"))
    assert error_of(app).startswith('Binder Error: Referenced column "nope" not found in FROM clause!')
    assert app.code[0].value == "LINE 1: SELECT nope\n               ^^^^"
    app = until_done(open_page("query", sql="DROP TABLE trial"))
    assert error_of(app).startswith("Only statements that read are run here")
    app = until_done(open_page("query", sql="SELECT error('![x](http://example.org/x.png) :red[y] $z$')"))
    assert r"\!\[x\]\(http\:\/\/example\.org\/x\.png\) \:red\[y\] \$z\$" in app.error[0].value


def test_a_running_query_can_be_cancelled(open_page: OpenPage):
    app = open_page("query", sql="SELECT sum(hash(range)) FROM range(1000000000000)")
    assert any(button.key == "cancel_query" for button in app.button)
    app.button(key="cancel_query").click().run()
    assert error_of(until_done(app)) == "The query was cancelled."


def test_a_removed_result_is_run_again(open_page: OpenPage, home: Path):
    app = until_done(open_page("query", sql="SELECT 41 + 1 AS answer"))
    for query in shared(home)._alive():
        query.discard()
    app = until_done(app.run())
    assert not app.error
    assert app.dataframe[-1].value["answer"].tolist() == [42]


def test_tables_and_columns_are_told(open_page: OpenPage):
    app = until_done(open_page("query", sql="SELECT 1 AS one", tables="true", table="class_report"))
    assert "Precision, recall, specificity and F1 of each class" in words(app)
    (table,) = (one.value for one in app.dataframe if "comment" in one.value)
    assert table.set_index("column").loc["recall", "comment"] == "tp / (tp + fn); 0 where undefined"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_every_example_answers_and_can_be_drawn(example_results: dict[str, pd.DataFrame], example: object):
    frame = example_results[example.title]  # type: ignore[attr-defined]
    assert len(frame) > 0
    kind, x, y, colour = example.kind, example.x, example.y, example.colour  # type: ignore[attr-defined]
    if kind != "none":
        assert x in charts.axes(frame)
        assert y in charts.numeric(frame)
        assert colour == charts.PLAIN or colour in charts.groupings(frame)
        assert len(charts.result_chart(frame, kind, x, y, colour).data) >= 1


@pytest.fixture(scope="module")
def example_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    from store.ingest import Ingestor
    from tests.store.tools import empty_store

    home = tmp_path_factory.mktemp("home")
    write_search(home, epochs=2, seed=1)
    write_search(home, epochs=2, seed=2, trials=3, status="FAILED")
    write_history(home, 20)
    store = empty_store()
    Ingestor(store, home).poll()
    return {example.title: store.execute(example.sql).df() for example in EXAMPLES}


def example(words: str) -> object:
    return next(example for example in EXAMPLES if example.title.startswith(words))


def test_what_is_told_of_a_result():
    assert told(Outcome(rows=1, seconds=0.123), 1) == "1 row in 0.12 s."
    assert told(Outcome(rows=20_000, seconds=2), 10_000) == (
        "20,000 rows in 2.00 s. The first 10,000 are shown; the downloads have all rows."
    )
    assert told(Outcome(rows=1_000_000, whole=False, cells_cut=True), 500) == (
        "More than 1,000,000 rows. The first 500 are shown; the downloads have the first 1,000,000, as many as are "
        "kept. Long texts and lists are cut here, and whole in the downloads."
    )


FRAME = pd.DataFrame(
    {
        "n": [3, 1, 2, 2],
        "share": [0.5, None, 0.25, 1.0],
        "name": ["a", "b", "a", None],
        "list": [[1], [2], [3], [4]],
        "flag": [True, False, True, False],
        "whole": pd.array([1, None, 2, 3], dtype="Int64"),
    }
)


def test_which_columns_a_chart_can_take():
    assert charts.numeric(FRAME) == ["n", "share", "whole"]
    assert charts.axes(FRAME) == ["n", "share", "name", "flag", "whole"]
    many = pd.DataFrame({"n": range(100), "g": [f"g{i % 20}" for i in range(100)]})
    assert charts.groupings(many) == ["g"]


def test_lines_follow_x_and_groups_keep_their_names():
    figure = charts.result_chart(FRAME, "line", "n", "share", "name")
    assert [trace.name for trace in figure.data] == ["a", "b", "missing"]
    assert list(figure.data[0].x) == [2, 3]
    assert list(figure.data[0].y) == [0.25, 0.5]
    assert [trace.line.color for trace in figure.data] == list(dict.fromkeys(trace.line.color for trace in figure.data))


@pytest.mark.parametrize("kind", charts.KINDS)
@pytest.mark.parametrize("x", ["n", "name", "flag", "whole"])
@pytest.mark.parametrize("y", ["n", "share", "whole"])
def test_any_two_columns_can_be_drawn(kind: str, x: str, y: str):
    figure = charts.result_chart(FRAME, kind, x, y)
    assert isinstance(figure, go.Figure)
    assert len(figure.data) == 1
    assert not figure.data[0].showlegend


def test_nothing_to_draw_is_said():
    empty = FRAME.assign(share=np.nan)
    assert "nothing to draw" in charts.result_chart(empty, "line", "n", "share").layout.annotations[0].text


def test_thinning_keeps_the_ends_and_says_nothing_of_few_rows():
    many = pd.DataFrame({"n": np.arange(12_345)})
    thin = charts.thinned(many, "line")
    assert len(thin) == charts.MOST_POINTS["line"]
    assert (thin["n"].iloc[0], thin["n"].iloc[-1]) == (0, 12_344)
    assert np.diff(thin["n"]).max() <= 3
    assert charts.thinned(many, "bar")["n"].tolist() == list(range(charts.MOST_POINTS["bar"]))
    assert charts.thinned(FRAME, "line") is FRAME

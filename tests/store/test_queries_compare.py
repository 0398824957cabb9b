"""Queries over several trials of several searches, against the queries of one trial and against the journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from store import queries
from store.ingest import Ingestor
from store.journal import replay
from store.published import SEARCH_ID
from tests.store.factory import CLASSES, write_search
from tests.store.factory_costs import write_costs
from tests.store.factory_external import write_external
from tests.store.tools import empty_store


class Home:
    """A finished and a running search in one store."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.complete = write_search(home, epochs=3, trials=4, seed=1)
        self.running = write_search(home, epochs=3, trials=3, seed=2, status="RUNNING")
        self.connection = empty_store()
        Ingestor(self.connection, home).poll()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def cursor(small: Home) -> duckdb.DuckDBPyConnection:
    return small.connection.cursor()


def test_every_trial_can_be_chosen(cursor: duckdb.DuckDBPyConnection, small: Home):
    names = queries.trial_names(cursor)
    assert list(dict.fromkeys(names["search_id"]))[-1] == SEARCH_ID
    assert set(names["search_id"]) == {small.complete, small.running, SEARCH_ID}
    for search_id in (small.complete, small.running, SEARCH_ID):
        expected = queries.trials(cursor, search_id)
        assert list(names.loc[names["search_id"] == search_id, "trial_id"]) == list(expected["trial_id"])


def test_compared_is_what_the_single_queries_say(cursor: duckdb.DuckDBPyConnection, small: Home):
    order = [SEARCH_ID, small.running, small.complete]
    frame = queries.compared(cursor, order)
    assert list(dict.fromkeys(frame["search_id"])) == order
    for search_id in order:
        own = frame[frame["search_id"] == search_id].reset_index(drop=True)
        one = queries.trials(cursor, search_id)
        shared = [column for column in own.columns if column in one.columns]
        assert len(shared) == 20
        pd.testing.assert_frame_equal(plain(own[shared]), plain(one[shared]))
        search = queries.search(cursor, search_id).iloc[0]
        assert set(own["search_name"]) == {search["name"]}
        assert set(own["dataset_id"]) == {search["dataset_id"]}
        assert set(own["dataset_name"]) == {search["dataset_name"]}
        assert set(own["search_settings"]) == {search["settings"]}
    assert frame.loc[frame["origin"] == "own", "seconds"].dropna().unique().tolist() == [20.0]
    assert frame.loc[frame["origin"] == "published", "seconds"].isna().all()


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The values without what a column's type makes of a missing one."""
    return frame.astype(object).where(frame.notna(), None)


def test_last_rates_of_many_are_those_of_each(cursor: duckdb.DuckDBPyConnection, small: Home):
    ids = [f"{small.complete}.00-initial", f"{small.complete}.01-epochs", f"{small.running}.01-epochs"]
    for split in ("train", "val", "test"):
        frame = queries.class_ends(cursor, ids, split)
        for trial_id in ids:
            rows = queries.class_epochs(cursor, trial_id, split)
            expected = rows[rows["epoch"] == rows["epoch"].max()].reset_index(drop=True)
            own = frame[frame["trial_id"] == trial_id].reset_index(drop=True)
            pd.testing.assert_frame_equal(own[expected.columns], expected, check_dtype=False)
    assert queries.class_ends(cursor, ids, "test")["trial_id"].nunique() == 2  # the running one has none yet
    published = queries.class_ends(cursor, [f"{SEARCH_ID}.final-0", f"{SEARCH_ID}.00-initial"], "test")
    assert set(published["trial_id"]) == {f"{SEARCH_ID}.final-0"}
    assert published["support"].sum() == 750


@pytest.mark.parametrize("name", [None, CLASSES[2]])
def test_curves_of_classes(cursor: duckdb.DuckDBPyConnection, small: Home, name: str | None):
    trial_id = f"{small.complete}.01-epochs"
    frame = queries.class_curves(cursor, [trial_id, f"{SEARCH_ID}.00-initial"], ["val", "train"], name)
    assert set(frame["trial_id"]) == {trial_id}  # the study prints no counts of a trial
    assert set(frame["split"]) == {"train", "val"}
    rows = frame[frame["split"] == "val"].set_index("epoch")
    assert list(rows.index) == [1, 2, 3, 4]
    for epoch in rows.index:
        report = queries.class_report(cursor, trial_id, "val", epoch)
        wanted = report if name is None else report[report["class"] == name]
        for rate in ("precision", "recall", "specificity", "f1", "auc"):
            assert rows.loc[epoch, rate] == pytest.approx(wanted[rate].mean())
    if name is None:
        said = [scores(record) for record in replay(small.home, small.complete) if of(record, trial_id)]
        assert list(rows["loss"]) == [value["loss"] for value in said]
        assert list(rows["accuracy"]) == [value["accuracy"] for value in said]
    else:
        counts = queries.class_epochs(cursor, trial_id, "val")
        counts = counts[counts["class"] == name].set_index("epoch")
        np.testing.assert_allclose(rows["accuracy"], (counts["tp"] + counts["tn"]) / 60)
        np.testing.assert_allclose(rows["loss"], counts["loss"].astype(float))


def of(record: dict[str, Any], trial_id: str) -> bool:
    return record["kind"] == "epoch" and record["trial_id"] == trial_id


def scores(record: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = record["splits"]["val"]
    return value


def test_a_class_that_a_dataset_does_not_have_gives_nothing(cursor: duckdb.DuckDBPyConnection, small: Home):
    assert queries.class_curves(cursor, [f"{small.complete}.00-initial"], ["val"], "lymphocyte").empty
    assert queries.class_curves(cursor, [], ["val"]).empty
    assert queries.compared(cursor, []).empty


def test_outcomes_are_what_the_trials_and_their_costs_say(tmp_path: Path):
    search_id = write_search(tmp_path, epochs=3, trials=3, seed=1, final=False)
    kinds = {"00-initial": ("resnet50", "jitter"), "01-batch_size": ("googlenet", "plain")}
    write_costs(tmp_path, search_id, kinds)
    connection = empty_store()
    Ingestor(connection, tmp_path).poll()
    ids = [f"{SEARCH_ID}.final-0", *(f"{search_id}.{name}" for name in ("01-batch_size", "00-initial", "01-epochs"))]
    frame = queries.outcomes(connection, [*ids, "s.none"])
    assert list(frame["trial_id"]) == ids
    row = frame.set_index("trial_id").loc[ids[2]]
    assert (row["backbone"], row["recipe"], row["image_size"]) == ("resnet50", "jitter", 96)
    assert (row["swap_accuracy"], row["swap_n"]) == (29 / 40, 40)
    assert (row["val_n"], row["test_n"]) == (60, 60)
    assert (row["parameters"], row["predict_images_per_second"], row["peak_rss_bytes"]) == (23518277, 10, 2**30)
    trials = queries.trials(connection, search_id).set_index("trial_id")
    for name in ("val_accuracy", "test_accuracy", "status", "swap_accuracy", "parameters", "image_size"):
        assert row[name] == trials.loc[ids[2], name]
    epochs = queries.epochs(connection, [ids[2]], ["train"])
    assert row["train_images_per_second"] == epochs["images_per_second"].median()
    bare = frame.set_index("trial_id").loc[ids[3]]
    assert bare["backbone"] == "inception_v3"
    assert bare[["recipe", "swap_accuracy", "swap_n", "parameters", "peak_rss_bytes"]].isna().all()
    published = frame.set_index("trial_id").loc[ids[0]]
    assert published["test_accuracy"] == 0.992
    assert published[["recipe", "image_size", "parameters", "settled"]].isna().all()


def test_cells_elsewhere_keep_sets_sources_and_classes_apart(tmp_path: Path):
    search_id = write_search(tmp_path, epochs=3, trials=2, seed=1, final=False)
    write_external(tmp_path, search_id, ["00-initial"], name="near", again=[0])  # which is trained on
    write_external(tmp_path, search_id, ["00-initial"], name="taken-back", registered=False)
    connection = empty_store()
    Ingestor(connection, tmp_path).poll()
    frame = queries.external_cells(connection, [f"{search_id}.00-initial", f"{search_id}.01-batch_size"])
    assert frame[["name", "source", "class", "trial_id", "n", "n_right"]].to_numpy().tolist() == [
        ["near", "barcelona", "seg_neutrophil", f"{search_id}.00-initial", 50, 14],
        ["near", "munich", "basophil", f"{search_id}.00-initial", 2, 0],
        ["near", "munich", "monocyte", f"{search_id}.00-initial", 6, 3],
    ]

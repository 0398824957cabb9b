"""The figures behind the tables: intervals, close calls, epochs saved, time left, outcome of a model."""

import numpy as np
import pandas as pd
import pytest

from core.evaluation.intervals import wilson
from pages.components import outcome, summary, words


def trials(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    base = {
        "trial_id": [f"s.{index:02d}" for index in range(n)],
        "coordinate": ["initial"] + ["epochs"] * (n - 1),
        "status": ["COMPLETE"] * n,
        "epochs": [20] * n,
        "epochs_done": [20] * n,
        "reused_epochs": [0] * n,
        "val_accuracy": [0.9] * n,
    }
    return pd.DataFrame(base | columns)


def test_intervals_of_each_score():
    table = summary.with_intervals(trials(val_accuracy=[0.996, np.nan]), 750)
    assert (table["val_low"][0], table["val_high"][0]) == pytest.approx(wilson(747, 750))
    assert np.isnan(table["val_low"][1])
    assert summary.with_intervals(trials(val_accuracy=[0.9]), None)["val_low"].isna().all()


def test_a_runner_up_inside_the_winners_interval_is_a_close_call():
    table = summary.with_intervals(trials(val_accuracy=[0.8787, 0.9933, 1.0]), 750)
    cycles = pd.DataFrame(
        {"chosen_trial_id": ["s.00", "s.01", "s.02"], "runner_up_score": [None, 0.9760, 0.9987], "cycle": [0, 1, 2]}
    )
    assert summary.close_calls(cycles, table) == {"s.02"}  # 0.9760 lies below 0.984, the low end for 0.9933


def test_epochs_saved_counts_the_search_not_its_final_trainings():
    table = trials(
        coordinate=["initial", "epochs", "final"],
        epochs=[20, 24, 24],
        reused_epochs=[0, 20, None],
        epochs_done=[20, 24, 24],
    )
    assert summary.epochs_saved(table) == (20, 44)


def test_time_left_counts_what_is_still_to_train():
    table = trials(
        status=["COMPLETE", "RUNNING", "WAITING"],
        epochs=[20, 24, 20],
        epochs_done=[20, 21, 0],
        reused_epochs=[0, 20, 0],
    )
    epochs = pd.DataFrame(
        {"split": ["train", "val", "train", "train"], "seconds": [10.0, 10.0, 12.0, 900.0], "at": [1, 1, 2, 3]}
    ).assign(reused=[False, False, False, True])
    assert summary.epochs_left(table) == 3 + 20
    assert summary.time_left(table, epochs) == pytest.approx(23 * 11.0)
    assert summary.time_left(table, epochs, parallel=2) == pytest.approx(23 * 11.0 / 2)
    assert summary.time_left(table, epochs.iloc[:0]) is None


def counts(support: list[int], tp: list[int], fp: list[int]) -> pd.DataFrame:
    n = sum(support)
    table = pd.DataFrame(
        {"class": list("abc"), "class_index": [0, 1, 2], "epoch": 5, "support": support, "tp": tp, "fp": fp}
    )
    return table.assign(fn=table["support"] - table["tp"], tn=n - table["support"] - table["fp"], auc=[1.0, 0.99, None])


def test_table_4_rests_on_the_images_it_names():
    table = outcome.table4(counts([150, 150, 0], [150, 144, 0], [0, 0, 6]))
    assert table["class"].tolist() == ["a", "b", "c", "macro average"]
    assert table["n"].tolist() == [150, 150, 0, 300]
    assert table["recall"].tolist() == pytest.approx([1, 0.96, 0, (1 + 0.96) / 3])
    assert table["specificity"].tolist() == pytest.approx([1, 1, 0.98, 2.98 / 3])
    assert np.isnan(table["AUC"].iloc[3])  # one class has none, so the mean over all has none


def test_counts_may_be_unknown():
    rows = counts([10, 10, 10], [9, 9, 9], [1, 1, 1])
    assert outcome.counted(rows)
    assert not outcome.counted(rows.assign(tp=np.nan))
    assert not outcome.counted(rows.iloc[:0])
    assert len(outcome.last_epoch(pd.concat([rows, rows.assign(epoch=4)]))) == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (3.4, "3 s"), (300, "5 min"), (5400, "1.5 h"), (86400 * 4, "4 d")]
)
def test_spans(seconds: float | None, text: str):
    assert words.span(seconds) == text


def test_sizes():
    assert [words.size(x) for x in (5, 2_000, 88_000_000, 3.2e9)] == ["5 B", "2 kB", "88 MB", "3.2 GB"]

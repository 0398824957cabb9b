"""Charts: what they draw of the published search, of a running one, and of nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from pages.charts import palette
from pages.charts.confusion import confusion
from pages.charts.curves import curve
from pages.charts.probabilities import probabilities
from pages.charts.progress import best_so_far, de_count
from pages.charts.rates import class_rates
from pages.charts.roc import roc
from pages.charts.trajectory import trajectory
from pages.charts.wording import change, missing, rate, value
from pages.components import outcome
from pages.components.summary import with_intervals

CLASSES = ["basophil", "erythroblast", "monocyte"]


@pytest.fixture
def trials() -> pd.DataFrame:
    """A start and two cycles; the second one is under way."""
    names = ["initial", "batch_size", "epochs", "learning_rate", "batch_size", "epochs", "learning_rate"]
    table = pd.DataFrame(
        {
            "trial_id": [f"s.{index}" for index in range(7)],
            "cycle": [0, 1, 1, 1, 2, 2, 2],
            "coordinate": names,
            "learning_rate": [1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-3, 1e-4],
            "batch_size": [10, 20, 10, 10, 20, 10, 10],
            "epochs": [20, 20, 24, 20, 20, 24, 20],
            "val_accuracy": [0.8787, 0.5293, 0.9760, 0.9933, np.nan, 0.4, np.nan],
            "val_loss": [0.28, 9.5, 0.07, 0.02, np.nan, 1.0, np.nan],
            "status": ["COMPLETE"] * 4 + ["FAILED", "RUNNING", "WAITING"],
        }
    )
    return with_intervals(table, 750)


@pytest.fixture
def cycles() -> pd.DataFrame:
    return pd.DataFrame({"cycle": [0, 1], "chosen_trial_id": ["s.0", "s.3"], "de_count": [0, 0]})


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(data for data in figure.data if data.name == name)


def test_the_tree_shows_path_best_running_and_failed(trials: pd.DataFrame, cycles: pd.DataFrame):
    figure = trajectory(trials, cycles, best="s.3", picked="s.2")
    assert list(trace(figure, "chosen").customdata) == ["s.0", "s.3"]
    assert list(trace(figure, "failed").customdata) == ["s.4"]
    assert list(trace(figure, "running").customdata) == ["s.5"]
    assert list(trace(figure, "waiting").customdata) == ["s.6"]
    assert trace(figure, "best so far").x == (1.0,)
    assert trace(figure, "picked").x == (1.0,)
    labels = [note.text for note in figure.layout.annotations]
    assert any("0.9933" in text and "lr 1e-3" in text for text in labels)
    assert any("failed" in text and "batch 20" in text for text in labels)
    assert "learning rate: 1e-3" in trace(figure, "chosen").hovertext[1]


def test_final_trainings_are_no_part_of_the_tree(trials: pd.DataFrame, cycles: pd.DataFrame):
    final = trials.iloc[[3]].assign(trial_id="s.final-1", coordinate="final", cycle=np.nan)
    figure = trajectory(pd.concat([trials, final]), cycles)
    shown = [trial for data in figure.data if data.customdata is not None for trial in data.customdata]
    assert sorted(shown) == sorted(trials["trial_id"])


def test_a_long_search_labels_only_its_path(cycles: pd.DataFrame):
    rows = [
        {"trial_id": f"s.{cycle}-{name}", "cycle": cycle, "coordinate": name, "status": "COMPLETE", "val_loss": 0.1}
        for cycle in range(12)
        for name in (["initial"] if cycle == 0 else ["batch_size", "epochs", "learning_rate"])
    ]
    table = pd.DataFrame(rows).assign(learning_rate=1e-3, batch_size=10, epochs=20, val_accuracy=0.9)
    path = pd.DataFrame(
        {"cycle": range(12), "chosen_trial_id": ["s.0-initial"] + [f"s.{c}-epochs" for c in range(1, 12)]}
    )
    assert len(trajectory(table, path).layout.annotations) == 12


def test_de_count_against_patience(cycles: pd.DataFrame):
    figure = de_count(pd.DataFrame({"cycle": [0, 1, 2, 3, 4], "de_count": [0, 0, 0, 1, 2]}), 2)
    assert list(trace(figure, "DE_COUNT").y) == [0, 0, 0, 1, 2]
    assert figure.layout.shapes[0].y0 == 2
    assert list(trace(de_count(cycles.iloc[:0], 2), "DE_COUNT").y) == [0]


def test_best_so_far_rises_and_keeps_intervals(trials: pd.DataFrame):
    told = pd.concat([trials.iloc[:4], *[trials.iloc[[3]]] * 4], ignore_index=True)
    best, inside, off = best_so_far(told).data
    np.testing.assert_allclose(best.y[:4], [0.8787, 0.8787, 0.9760, 0.9933])
    assert list(inside.x) == [1, 3, 4, 5, 6, 7, 8]
    assert inside.error_y.array[2] > 0
    assert list(off.x) == [2]  # one bad trial does not flatten the others: it is drawn at the axis, and says so
    assert off.y[0] > 0.5293
    assert "0.5293" in off.hovertext[0]


def test_curves_mark_what_was_reused():
    epochs = pd.DataFrame(
        [(e, s, 1 / e, 1 - 0.5 / e) for e in (1, 2, 3) for s in ("train", "val")],
        columns=["epoch", "split", "loss", "accuracy"],
    )
    figure = curve(epochs, "loss", asked=5, reused=2)
    assert list(trace(figure, "training").y) == [1, 1 / 2, 1 / 3]
    assert figure.layout.xaxis.range == (0.5, 5.5)
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (0.5, 2.5)


def test_roc_names_the_areas():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 90)
    raw = rng.random((90, 3))
    raw[np.arange(90), true] += 1
    predictions = pd.DataFrame(
        {"true_class": [CLASSES[t] for t in true], "probabilities": list(raw / raw.sum(axis=1, keepdims=True))}
    )
    figure = roc(outcome.roc_points(predictions, CLASSES))
    names = [data.name for data in figure.data if data.name]
    assert [name.split(" ")[0] for name in names] == [*CLASSES, "micro", "macro"]
    assert all("AUC 0.9" in name or "AUC 1.0" in name for name in names)


def test_confusion_counts_and_shares():
    counts = pd.DataFrame(
        [("basophil", "basophil", 9), ("basophil", "monocyte", 1), ("monocyte", "monocyte", 5)],
        columns=["true_class", "predicted_class", "count"],
    )
    heat = confusion(counts, CLASSES).data[0]
    assert heat.customdata.tolist() == [[9, 0, 1], [0, 0, 0], [0, 0, 5]]
    np.testing.assert_allclose(heat.z[0], [0.9, 0, 0.1])
    np.testing.assert_allclose(heat.z[1], 0)  # a class without images has no shares, and no division by zero


def test_rates_carry_their_intervals():
    rows = pd.DataFrame({"class": CLASSES, "tp": [9, 5, 0], "fp": [1, 0, 0], "tn": [5, 10, 15], "fn": [0, 0, 0]})
    table = outcome.rates(rows)
    figure = class_rates(table)
    recall = figure.data[0]
    assert list(recall.y) == CLASSES
    assert list(recall.x[:2]) == [1, 1]
    assert np.isnan(recall.x[2])  # no image of the class: there is no recall
    assert recall.error_x.arrayminus[1] > 0.4  # five of five still leaves much open


def test_probabilities_put_the_highest_first():
    bars = probabilities(pd.DataFrame({"class": CLASSES, "probability": [0.2, 0.7, 0.1]})).data[0]
    assert list(bars.y) == ["erythroblast", "basophil", "monocyte"]


@pytest.mark.parametrize(
    "figure",
    [
        lambda: trajectory(pd.DataFrame(columns=["trial_id", "coordinate"]), pd.DataFrame()),
        lambda: curve(pd.DataFrame(columns=["epoch", "split"]), "loss"),
        lambda: roc(pd.DataFrame(columns=["name"])),
        lambda: confusion(pd.DataFrame(columns=["count"]), CLASSES),
        lambda: class_rates(pd.DataFrame(columns=outcome.RATE_COLUMNS)),
    ],
)
def test_nothing_yet_is_said_in_words(figure: Callable[[], go.Figure]):
    assert figure().layout.annotations[0].text.endswith(".")


def test_series_colours_can_be_told_from_both_backgrounds():
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for background in ("#fcfcfd", "#14171f"):
        for colour in palette.SERIES:
            high, low = sorted((luminance(colour), luminance(background)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 3


def test_wording():
    assert [rate(x) for x in (1e-2, 1e-6, 2.5e-4)] == ["1e-2", "1e-6", "2.5e-4"]
    assert value("batch_size", 10) == "10"
    assert change({"coordinate": "epochs", "epochs": 24}) == "24 epochs"
    assert change({"coordinate": "initial"}) == "start"
    assert missing(None)
    assert missing(float("nan"))
    assert missing(pd.NaT)
    assert missing(pd.NA)
    assert not missing(0)

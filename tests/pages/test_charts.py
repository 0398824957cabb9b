"""Charts: what they draw of the published search, of a running one, and of nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.evaluation.bootstrap import areas
from core.evaluation.calibration import reliability as measure
from pages.charts import palette
from pages.charts.confusion import confusion
from pages.charts.curves import curve
from pages.charts.precision_recall import precision_recall
from pages.charts.probabilities import probabilities
from pages.charts.progress import best_so_far, de_count
from pages.charts.rates import class_rates
from pages.charts.reliability import reliability
from pages.charts.roc import roc
from pages.charts.trajectory import trajectory
from pages.charts.wording import change, missing, rate, value
from pages.components import evaluate_tables, outcome
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


def scores(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """True classes (n,) and probabilities (n, 3) of a fair model."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, n)
    raw = rng.random((n, 3))
    raw[np.arange(n), true] += 0.6
    return true, raw / raw.sum(axis=1, keepdims=True)


def test_roc_and_precision_recall_name_the_areas_with_their_intervals():
    true, probabilities = scores()
    table = evaluate_tables.areas_table(*areas(true, probabilities), true, CLASSES)
    points = evaluate_tables.roc_points(true, probabilities, CLASSES)
    figure = roc(points, evaluate_tables.legend(table, "AUC"))
    names = [data.name for data in figure.data if data.name]
    assert [name.split(" ")[0] for name in names] == [*CLASSES, "micro", "macro"]
    for name, row in zip(names, table.to_dict("records"), strict=True):
        assert name.endswith(f" {row['AUC']:.4f} ({row['AUC low']:.4f} to {row['AUC high']:.4f})")
    points = evaluate_tables.precision_recall_points(true, probabilities, CLASSES)
    figure = precision_recall(points, evaluate_tables.legend(table, "average precision"))
    assert [data.name.split(" ")[0] for data in figure.data] == [*CLASSES, "micro"]
    assert f"{table['average precision'][0]:.4f} (" in figure.data[0].name


def test_a_legend_of_many_classes_lies_below_the_curves():
    many = pd.DataFrame({"name": [f"c{i}" for i in range(12)], "false_positive_rate": 0.0, "true_positive_rate": 0.0})
    assert roc(many, {}).layout.legend.y < 0
    assert roc(many[:5], {}).layout.legend.y > 0


def test_confusion_counts_and_shares():
    counts = pd.DataFrame(
        [("basophil", "basophil", 9), ("basophil", "monocyte", 1), ("monocyte", "monocyte", 5)],
        columns=["true_class", "predicted_class", "count"],
    )

    def labels(figure: go.Figure) -> list[str]:
        return [note.text for note in figure.layout.annotations]

    right, wrong, squares = confusion(counts, CLASSES).data
    np.testing.assert_allclose(right.z[0], [0.9, np.nan, np.nan])
    np.testing.assert_allclose(wrong.z[0], [np.nan, 0, 0.1])
    np.testing.assert_allclose(wrong.z[1], [0, np.nan, 0])  # no images of the class: no shares, and no division by zero
    assert list(squares.customdata[2][:3]) == ["basophil", "monocyte", 1]
    assert (squares.x[2], squares.y[2]) == ("monocyte", "basophil")
    assert labels(confusion(counts, CLASSES))[:3] == ["<b>9</b>", "0", "<b>1</b>"]
    assert labels(confusion(counts, CLASSES, "rows"))[:3] == ["<b>90.0%</b>", "0 %", "<b>10.0%</b>"]
    by_column = confusion(counts, CLASSES, "columns")
    assert labels(by_column)[:3] == ["<b>100.0%</b>", "0 %", "<b>16.7%</b>"]
    assert by_column.data[0].z[2][2] == pytest.approx(5 / 6)


def test_the_picked_cell_has_a_frame():
    counts = pd.DataFrame([("basophil", "monocyte", 1)], columns=["true_class", "predicted_class", "count"])
    (frame,) = confusion(counts, CLASSES, picked=("basophil", "monocyte")).layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == pytest.approx((1.53, 2.47, -0.46, 0.46))
    assert not confusion(counts, CLASSES, picked=("basophil", "gone")).layout.shapes


def test_reliability_draws_full_bins_with_intervals_and_counts_all():
    found = measure([0.45, 0.95, 0.95, 0.98], [False, True, True, True], bins=4)
    figure = reliability(evaluate_tables.bins_table(found))
    model = trace(figure, "this model, with 95 % Wilson intervals")
    assert list(model.y) == [0, 1]
    assert list(model.x) == pytest.approx([0.45, 0.96])
    assert model.error_y.arrayminus[1] > 0.4  # three of three leaves much open
    assert list(figure.data[2].y) == [0, 1, 0, 3]
    assert list(figure.data[2].x) == [0.125, 0.375, 0.625, 0.875]


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
        lambda: roc(pd.DataFrame(columns=["name"]), {}),
        lambda: precision_recall(pd.DataFrame(columns=["name"]), {}),
        lambda: reliability(evaluate_tables.bins_table(measure([], []))),
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

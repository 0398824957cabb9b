"""Charts of Compare: what they draw of two trials, of very many, and of nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from pages.charts import palette
from pages.charts.class_bars import class_bars
from pages.charts.difference import difference, same_support
from pages.charts.intervals import intervals
from pages.charts.overlaid import overlaid
from pages.charts.parallel import Axis, parallel

CLASSES = ["basophil", "erythroblast"]
NAMES = {"s.1": "trial 1", "s.2": "trial 2", "s.3": "trial 3"}


def lines(smooth: float = np.nan) -> pd.DataFrame:
    rows = [
        (trial, split, epoch, 1 / epoch, smooth)
        for trial in NAMES
        for split in ("val", "train")
        for epoch in range(1, 4)
    ]
    return pd.DataFrame(rows, columns=["trial_id", "split", "x", "y", "smooth"])


def test_curves_have_a_colour_a_trial_and_training_is_dotted():
    figure = overlaid(lines(), NAMES, bold=list(NAMES), title="loss")
    assert [trace.name for trace in figure.data] == [
        name for trial in NAMES.values() for name in (trial, f"{trial}, training")
    ]
    assert figure.data[2].line.color == figure.data[3].line.color == palette.class_colour(1)
    assert (figure.data[2].line.dash, figure.data[3].line.dash) == ("solid", "dot")
    np.testing.assert_allclose(figure.data[0].y, [1, 0.5, 1 / 3])
    assert figure.layout.yaxis.type == "linear"
    assert overlaid(lines(), NAMES, bold=list(NAMES), title="loss", log=True).layout.yaxis.type == "log"


def test_a_smoothed_curve_keeps_the_raw_one_faintly():
    figure = overlaid(lines(smooth=0.7), NAMES, bold=["s.1"], title="loss")
    raw, smooth = [trace for trace in figure.data if trace.legendgroup == "s.1 val"]
    np.testing.assert_allclose(raw.y, [1, 0.5, 1 / 3])
    np.testing.assert_allclose(smooth.y, [0.7] * 3)
    assert raw.line.color.startswith("rgba")
    assert not raw.showlegend


def test_very_many_curves_are_one_cloud_with_gaps():
    figure = overlaid(lines(), NAMES, bold=["s.2"], title="loss")
    cloud = figure.data[0]
    assert cloud.name == "4 other curves"
    assert list(np.isnan(cloud.y)) == ([False] * 3 + [True]) * 3 + [False] * 3
    assert [name for name in dict.fromkeys(cloud.customdata) if name] == ["trial 1", "trial 3"]
    assert [trace.name for trace in figure.data[1:]] == ["trial 2", "trial 2, training"]


def test_intervals_draw_the_baseline_through_all_rows():
    scores = pd.DataFrame(
        [("s.1", "trial 1", 0.9, 0.8, 0.95, 60), ("s.2", "trial 2", np.nan, np.nan, np.nan, np.nan)],
        columns=["trial_id", "name", "value", "low", "high", "n"],
    )
    figure = intervals(scores, title="val accuracy", baseline="s.1")
    assert figure.layout.shapes[0].x0 == 0.9
    assert list(figure.data[0].y) == ["trial 1"]
    assert figure.data[0].error_x.arrayminus[0] == pytest.approx(0.1)
    assert list(figure.layout.yaxis.categoryarray) == ["trial 1", "trial 2"]


def test_bars_span_the_interval_and_leave_no_row_to_a_trial_without_classes():
    rates = pd.DataFrame(
        [(trial, cls, 0.5 + 0.1 * at, 0.4, 0.9, 5, 10) for trial in ("s.1", "s.3") for at, cls in enumerate(CLASSES)],
        columns=["trial_id", "class", "value", "low", "high", "successes", "n"],
    )
    figure = class_bars(rates, NAMES, title="recall")
    bars, marks = figure.data[2], figure.data[3]
    assert marks.name == "trial 3"
    assert list(bars.base) == [0.4, 0.4]
    np.testing.assert_allclose(bars.x, [0.5, 0.5])
    np.testing.assert_allclose(marks.x, [0.5, 0.6])
    assert bars.y[0] == 1  # the second of the two that have classes
    assert marks.marker.color == palette.class_colour(2)  # its colour is that of the third all the same
    assert list(figure.layout.yaxis.ticktext) == CLASSES


def counts(matrix: list[list[int]]) -> pd.DataFrame:
    rows = [(CLASSES[i], CLASSES[j], matrix[i][j]) for i in range(2) for j in range(2)]
    return pd.DataFrame(rows, columns=["true_class", "predicted_class", "count"])


def test_a_difference_is_blue_where_the_first_does_better():
    first, second = counts([[9, 1], [3, 7]]), counts([[8, 2], [1, 9]])
    figure = difference(first, second, CLASSES, ("a", "b"))
    np.testing.assert_array_equal(figure.data[0].z, [[1, 1], [-2, -2]])
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["<b>+1</b>", "<b>−1</b>", "<b>+2</b>", "<b>−2</b>"]
    assert same_support(first, second, CLASSES)


def test_other_numbers_of_images_are_compared_by_share():
    first, second = counts([[90, 10], [0, 0]]), counts([[8, 2], [5, 5]])
    figure = difference(first, second, CLASSES, ("a", "b"))
    assert not same_support(first, second, CLASSES)
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["<b>+10.0</b>", "<b>−10.0</b>", "<b>−50.0</b>", "<b>−50.0</b>"]


def test_parallel_axes_are_logarithmic_or_named_where_it_helps():
    table = pd.DataFrame(
        {"learning_rate": [1e-2, 1e-4], "batch_size": [10, 10], "optimiser": ["sgd", "adamw"],
         "val_loss": [2.0, 0.03], "val_accuracy": [0.5, 0.99]}
    )  # fmt: skip
    axes = [Axis("learning_rate", "learning rate", log=True), Axis("batch_size", "batch size"),
            Axis("optimiser", "optimiser"), Axis("val_loss", "val loss", log=True),
            Axis("val_accuracy", "val accuracy")]  # fmt: skip
    rate, batch, optimiser, loss, accuracy = parallel(table, axes, "val_accuracy").data[0].dimensions
    np.testing.assert_allclose(rate["values"], [-2, -4])
    assert list(rate["ticktext"]) == ["1e-4", "1e-2"]
    assert batch["range"] == (9.5, 10.5)  # one value has an axis too
    assert list(optimiser["ticktext"]) == ["adamw", "sgd"]
    assert list(optimiser["values"]) == [1, 0]
    assert list(loss["ticktext"]) == ["0.05", "0.1", "0.2", "0.5", "1", "2"]
    assert accuracy["range"] == (0.5, 0.99)


@pytest.mark.parametrize(
    "figure",
    [
        lambda: overlaid(lines().iloc[:0], NAMES, bold=[], title="loss"),
        lambda: intervals(pd.DataFrame({"value": [np.nan]}), title="accuracy"),
        lambda: class_bars(pd.DataFrame(columns=["value"]), NAMES, title="recall"),
        lambda: parallel(pd.DataFrame({"val_accuracy": []}), [], "val_accuracy"),
    ],
)
def test_nothing_yet_is_said_in_words(figure: Callable[[], go.Figure]):
    assert figure().layout.annotations[0].text.endswith(".")

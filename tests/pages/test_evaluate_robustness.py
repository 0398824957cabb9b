"""The tab Robustness of Evaluate: what it says of recorded conditions, how it starts a job, its example images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import jobs
from core.data.intake import to_square
from core.data.preview import unchanged_pixels
from core.evaluation.intervals import wilson
from core.evaluation.robustness import sample
from core.evaluation.shifts import SHIFTS, VERSION, image_seed, shifted
from core.paths import trial_folder
from pages.charts.robustness import break_map, shift_curves
from pages.components import robustness_tables as tables
from pages.components.data import read
from pages.components.evaluate_robustness_example import judged_images
from store import queries
from store.owner import shared
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES, write_search
from tests.store.factory_data import write_robustness

VIEW = "Robustness"


@pytest.fixture
def trial(home: Path) -> str:
    """A trained trial of a finished search, with a stand-in for its weights."""
    search_id = write_search(home, trials=1, n_train=20, final=False, n_test=250)
    trial_id = f"{search_id}.00-initial"
    trial_folder(home, trial_id).mkdir(parents=True)
    (trial_folder(home, trial_id) / "weights.json").write_text("{}")
    return trial_id


def link(trial_id: str, **more: str) -> dict[str, str]:
    return {"search": trial_id.partition(".")[0], "trial": trial_id, "view": VIEW, **more}


def test_headline_sentences_curves_and_table_of_a_measured_trial(open_page: OpenPage, home: Path, trial: str):
    write_robustness(home, trial)
    app = open_page("evaluate", **link(trial, robust_n="25"))
    # Of 250 images 245 are right at severities 1 to 3 and 240 at 4 and 5; stain costs 12 a severity (all 50 of class 0
    # at 4 and 5 at most), hue 6.
    rights = [245, 245, 245, 240, 240]
    stain = [right - lost for right, lost in zip(rights, (12, 24, 36, 48, 48), strict=True)]
    hue = [right - lost for right, lost in zip(rights, (6, 12, 18, 24, 30), strict=True)]
    mean = (10 * sum(rights) + sum(stain) + sum(hue)) / 60 / 250
    assert figures(app)["Mean under shift"] == f"{mean:.4f}"
    assert figures(app)["Unchanged accuracy"] == "0.9800"
    low, high = wilson(round(mean * 250), 250)
    below = {metric.label: metric.delta for metric in app.metric}
    assert below["Mean under shift"] == f"{low:.4f} to {high:.4f}, n 250"
    assert "basophil breaks first under stain at severity 1: 37 of 50 called right, 49 of 50 unchanged" in words(app)
    assert "1 other shift breaks it too" in words(app)
    assert "monocyte is broken by none of the 12 shifts" in words(app)
    assert "reported, never used to choose" in words(app)
    table = app.dataframe[-1].value
    assert len(table) == 61
    assert list(table["shift"][:2]) == ["Unchanged", "Stain"]
    assert table["basophil"][5] == 0.0
    assert "All 61 conditions are measured" in words(app)
    assert app.button(key="robust_run").disabled
    again = open_page("evaluate", **link(trial, robust_of="sensitivity of basophil"))
    assert again.selectbox(key="robust_of").value == "basophil"


def test_before_it_is_measured_it_says_how_long_it_takes_and_starts_a_job(
    open_page: OpenPage, trial: str, monkeypatch: pytest.MonkeyPatch
):
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(jobs, "start", lambda *arguments: started.append(arguments))
    app = open_page("evaluate", **link(trial, robust_n="10"))
    # 20 training images in 20 s: 1 image a second in training, a third of a second to judge one.
    assert "61 of 61 conditions to measure, 50 images each: about 17 min when nothing else runs (a guess" in words(app)
    assert f"python -m core robustness {trial} --per-class 10" in [code.value for code in app.code]
    assert not app.dataframe
    app.button(key="robust_run").click().run()
    assert [one[1:] for one in started] == [("robustness", trial, ["robustness", trial, "--per-class", "10"])]


def test_what_is_missing_is_gone_on_with_at_the_measured_pace(open_page: OpenPage, home: Path, trial: str):
    write_robustness(home, trial, shifts=["jpeg"], seconds=5.0)  # 250 images in 5 s
    app = open_page("evaluate", **link(trial, robust_n="25"))
    assert app.button(key="robust_run").label == "Go on"
    assert "55 of 61 conditions to measure, 125 images each: about 2 min" in words(app)
    assert "(as measured on this trial)" in words(app)
    assert figures(app)["Measured"] == "1 of 12 shifts"
    assert "is not broken by the one shift: " in words(app)


def test_a_running_and_a_failed_job_are_told(open_page: OpenPage, home: Path, trial: str):
    with jobs.running(home, "robustness", trial) as job:
        job.tell("Hue, severity 2 of 5", 40, 200)
        app = open_page("evaluate", **link(trial))
        assert not [button for button in app.button if button.key == "robust_run"]
        assert [button.label for button in app.button if str(button.key).startswith("cancel_robustness")]
    with pytest.raises(OSError, match="full"), jobs.running(home, "robustness", trial):
        raise OSError("The disk is full.")
    app = open_page("evaluate", **link(trial))
    assert "The disk is full." in words(app)
    assert not app.button(key="robust_run").disabled


def test_another_version_counts_as_not_measured(open_page: OpenPage, home: Path, trial: str):
    write_robustness(home, trial, version=VERSION + 1)
    app = open_page("evaluate", **link(trial))
    assert "measured with another version of the shifts" in words(app)
    assert "61 of 61 conditions to measure" in words(app)


def test_without_weights_nothing_can_be_started(open_page: OpenPage, home: Path, trial: str):
    (trial_folder(home, trial) / "weights.json").unlink()
    assert "The weights of this trial are not here" in words(open_page("evaluate", **link(trial)))
    assert "weights of the study are not public" in words(open_page("evaluate", search=PUBLISHED, view=VIEW))


def test_the_example_is_what_the_model_sees(open_page: OpenPage, home: Path, tmp_path: Path):
    search_id = write_search(home, trials=1, final=False, pictures=tmp_path / "cells", n_train=5, n_test=40)
    trial_id = f"{search_id}.00-initial"
    app = open_page("evaluate", **link(trial_id, robust_shift="Noise", robust_cell="monocyte", robust_image="2"))
    assert len(app.image) == 6
    assert "Gaussian noise of the camera" in words(app)
    assert "at the model's 96 px" in words(app)
    dataset_id = read("search", search_id)["dataset_id"].iloc[0]
    images = read("images", dataset_id, "ok")
    row = judged_images(images, "monocyte").iloc[1]
    assert str(row["path"]) in words(app)
    assert hashlib.sha256((tmp_path / "cells" / row["path"]).read_bytes()).hexdigest() == row["sha256"]
    square = to_square(unchanged_pixels(tmp_path / "cells", row["path"], row["sha256"]), 96)[None]
    seen = shifted(square, "noise", 3, [image_seed(row["sha256"], int(row["image_id"]))])
    assert not np.array_equal(seen, square)
    (tmp_path / "cells" / row["path"]).write_bytes(b"something else")
    gone = open_page("evaluate", **link(trial_id, robust_shift="Hue", robust_cell="monocyte", robust_image="2"))
    assert "it is not the image that the model saw" in words(gone)
    assert not gone.image


def test_the_examples_stand_in_the_order_in_which_fewer_images_are_taken():
    class Record:
        def __init__(self, image_id: int, sha256: str) -> None:
            self.image_id, self.sha256, self.class_ = image_id, sha256, "a"

    records = [Record(0, "c"), Record(1, "a"), Record(2, "b")]
    frame = pd.DataFrame({"image_id": [0, 1, 2], "sha256": ["c", "a", "b"], "class": "a", "split": "test"})
    order = judged_images(frame, "a")["image_id"].tolist()
    for n in (1, 2, 3):
        assert {record.image_id for record in sample(records, n)} == set(order[:n])  # type: ignore[arg-type]


# --- tables and charts --------------------------------------------------------------------------------------------


def frame_of(home: Path, trial_ids: list[str]) -> pd.DataFrame:
    return queries.robustness(shared(home).cursor(), trial_ids)


def test_the_mean_is_known_of_trials_with_every_shift(home: Path, trial: str):
    other = trial.replace("00-initial", "01-epochs")
    write_robustness(home, trial, weak={})
    write_robustness(home, other, shifts=["hue", "jpeg"])
    shared(home).cursor()
    found = tables.mean_under_shift(frame_of(home, [trial, other]))
    assert found.to_dict() == {trial: pytest.approx((3 * 245 + 2 * 240) / 5 / 250)}
    assert tables.mean_under_shift(frame_of(home, [])).empty


def test_what_is_left_depends_on_the_images_wanted(home: Path, trial: str):
    write_robustness(home, trial, shifts=["hue"], each=20)
    matrices = tables.matrices_of(frame_of(home, [trial]))
    assert tables.left(matrices, [20] * 5) == 55
    assert tables.left(matrices, [10] * 5) == 55
    assert tables.left(matrices, [21, 20, 20, 20, 20]) == 61
    assert tables.left({}, [1] * 5) == 61


def test_cells_of_the_map_say_what_is_behind_them(home: Path, trial: str):
    write_robustness(home, trial, shifts=["stain", "jpeg"])
    write_robustness(home, trial, shifts=["noise"], severities=[1, 2], weak={})
    matrices = tables.matrices_of(frame_of(home, [trial]))
    cells = tables.break_cells(matrices, CLASSES).set_index(["class", "label"])
    assert len(cells) == 5 * len(SHIFTS)
    assert cells.loc[("basophil", "Stain"), "severity"] == 1
    assert cells.loc[("basophil", "Stain"), "words"] == "severity 1: 37 of 50 called right, unchanged 49 of 50"
    assert cells.loc[("monocyte", "JPEG quality"), "state"] == "holds"
    assert cells.loc[("monocyte", "Noise"), "state"] == "unknown"
    assert "severities 1, 2 do not break it" in cells.loc[("monocyte", "Noise"), "words"]
    figure = break_map(tables.break_cells(matrices, CLASSES))
    (heat,) = figure.data
    assert heat.z[0][0] == 5  # class 0 under stain breaks at once
    assert {note.text for note in figure.layout.annotations} == {"<b>1</b>", "holds", "?"}
    assert break_map(tables.break_cells({}, [])).data == ()


def test_each_panel_begins_with_the_unchanged_images(home: Path, trial: str):
    write_robustness(home, trial, shifts=["stain", "jpeg"])
    matrices = tables.matrices_of(frame_of(home, [trial]))
    rows = tables.curve_rows(matrices, CLASSES, "basophil")
    assert rows.groupby("label", sort=False)["severity"].apply(list).to_dict() == {
        "Stain": [0, 1, 2, 3, 4, 5], "JPEG quality": [0, 1, 2, 3, 4, 5],
    }  # fmt: skip
    figure = shift_curves(rows, what="sensitivity of basophil")
    lines = {trace.name: list(trace.y) for trace in figure.data if trace.mode == "lines+markers"}
    assert lines["Stain"] == pytest.approx([49 / 50, 37 / 50, 25 / 50, 13 / 50, 0, 0])
    assert {note.text for note in figure.layout.annotations} == {"Stain", "JPEG quality"}
    assert tables.curve_rows(matrices, CLASSES, tables.ACCURACY)["n"].eq(250).all()
    assert shift_curves(rows.iloc[:0], what="accuracy").data == ()


def test_compare_shows_the_mean_under_shift_where_it_is_known(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=2, n_train=20, final=False)
    assert "accuracy under shift" not in open_page("compare", trials=search_id).dataframe[0].value
    write_robustness(home, f"{search_id}.00-initial", weak={})
    column = open_page("compare", trials=search_id).dataframe[0].value["accuracy under shift"]
    assert column.tolist() == [pytest.approx((3 * 245 + 2 * 240) / 5 / 250), pytest.approx(float("nan"), nan_ok=True)]

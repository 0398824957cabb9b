"""The Batch page with a stand-in for the reader: the form, a batch that is read, its count, reviews and report."""

from __future__ import annotations

import io
import threading
import types
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.uploads import Upload
from core.prediction import readers
from core.prediction.batch import About, BatchRun, Item, batch_of
from core.prediction.calibration import calibration_file
from core.prediction.count import differential
from core.prediction.models import model_folder
from core.prediction.reader import Reader as RealReader
from core.prediction.reading import BLUR, BlastFlag, Flag, Reading, decide
from core.prediction.report import reading_report
from core.statements import save_reading, save_review
from pages.charts.differential import differential_chart
from pages.components import batch_tables, predict_report
from pages.components.batch_report import report_of
from store.journal import HOME_JOURNAL, replay
from store.owner import shared
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import CLASSES, write_search
from tests.store.factory_readings import a_reading, called


class Reader:
    """The red of an image says its class: 0 basophil, 50 erythroblast, ...; a blue one is blurred, 25 is undecided."""

    classes, calibration = CLASSES, None

    answer = RealReader.answer

    def __init__(self, go: threading.Semaphore | None = None, *, calibrated: bool = True) -> None:
        self.go, self.calibrated = go, calibrated

    def read_pixels(self, rgb: np.ndarray, image_sha256: str, *, point: Any = None) -> Reading:
        if self.go is not None:
            assert self.go.acquire(timeout=30)
        red, blue = int(rgb[0, 0, 0]), int(rgb[0, 0, 2])
        p = np.full(5, 0.02)
        p[red // 50] += 0.9 if red % 50 == 0 else 0.45
        p[red // 50 + 1] += 0 if red % 50 == 0 else 0.45
        members = tuple(name for name, share in zip(CLASSES, p, strict=True) if share > 0.1)
        flags = (Flag(BLUR, blue > 100, "The edges are soft: 0.8, usual is 2.1 to 9.4."),)
        watch = BlastFlag("myeloblast", bool(p[3] > 0.4), float(p[3]), 0.4, 0.98, 60)
        found = Reading(
            "m", "torch", "w" * 64, image_sha256, rgb.shape[1], rgb.shape[0], CLASSES, p, p, True, 1.2, p, members,
            dict.fromkeys(CLASSES, 0.95), flags, watch, decide(CLASSES, p, members, flags, watch), {},
        )  # fmt: skip
        if self.calibrated:
            return found
        return replace(found, calibrated=False, prediction_set=(), coverage={}, blast=None,
                       decision=decide(CLASSES, p, None, flags, None))  # fmt: skip


def png(red: int, blue: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 36), (red, 0, blue)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def search_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished search, and a reader for its model."""
    monkeypatch.setattr(readers, "reader_of", lambda folder, model_id, runtime=None: Reader())
    return write_search(home, trials=1, n_train=5, n_val=5, n_test=300, n_calibration=0)


def done(app: AppTest) -> BatchRun:
    """The batch that the page shows, once it is over."""
    found = app.query_params["batch"]
    run = batch_of(found if isinstance(found, str) else found[0])
    assert run is not None
    assert run.wait(60)
    return run


def table(app: AppTest) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "picture" in frame.value.columns)


def counted(app: AppTest) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "as found" in frame.value.columns).set_index("class")


def read_batch(app: AppTest) -> BatchRun:
    """Upload ten images, two of them in a zip, and one file that is none."""
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("folder/blurred.png", png(0, 255))
        archive.writestr("folder/both.png", png(25))
    images = [(f"cell-{at}.png", png(50 * (at % 4)), "image/png") for at in range(8)]
    app.file_uploader[0].set_value(
        [*images, ("some.zip", inside.getvalue(), "application/zip"), ("bad.png", b"no", "image/png")]
    )
    app.run()
    app.button(key="batch_start").click().run()
    assert not app.exception
    run = done(app)
    app.run()
    assert not app.exception
    return run


def test_without_files_it_says_what_to_do(open_page: OpenPage, search_id: str):
    app = open_page("batch", search=search_id)
    assert not app.error
    said = words(app)
    assert "Research use only" in said
    assert "Choose images, or a zip of images" in said
    assert "Up to 2,000 files of at most 20 MiB" in said
    assert not app.dataframe


def test_a_model_that_is_not_calibrated_is_said_to_be_so(open_page: OpenPage, search_id: str, home: Path):
    line = "This model is not calibrated"
    assert line in words(open_page("batch", search=search_id))
    file = calibration_file(model_folder(home, f"{search_id}.final-1"), "torch")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    assert line not in words(open_page("batch", search=search_id))
    runs = []
    for calibrated in (True, False):
        run = BatchRun(home, About(f"{search_id}.final-1", "final", CLASSES), partial(Reader, calibrated=calibrated),
                       [Upload(f"{at}.png", png(50 * at)) for at in range(3)], 3).start()  # fmt: skip
        assert run.wait(60)
        runs.append(run.batch_id)
    app = open_page("batch", batch=runs[0])
    assert line not in words(app)
    app.button(key="batch_next").click().run()
    assert "2 of 3" in words(app)
    app.query_params["batch"] = runs[1]
    app.run()
    assert line in words(app)
    assert "1 of 3" in words(app)  # another batch opens at its own beginning
    assert list(table(app)["reasons"]) == ["Not calibrated"] * 3


def test_the_table_has_the_probability_of_the_decided_class():
    reading = a_reading(called("erythroblast"))  # at an operating point; monocyte is more probable
    rows = batch_tables.list_table([Item(0, "a.png", reading), Item(1, "b.png", a_reading())], [None, None], {})
    assert list(rows["probability"]) == ["30.0%", "monocyte 60.0%"]


def test_without_a_model_it_says_so(open_page: OpenPage, home: Path):
    assert "The published model's weights are not public" in words(open_page("batch"))


def test_a_batch_is_read_counted_and_reviewed(open_page: OpenPage, search_id: str, home: Path):
    app = open_page("batch", search=search_id)
    run = read_batch(app)
    assert "10 read, 1 refused" in app.success[0].value
    # what needs eyes first: referred, then the watch on blasts, then two classes; refused files last
    rows = table(app)
    assert list(rows["decision"][:4]) == ["Refer to an expert", "Myeloblast", "Myeloblast", "Basophil or erythroblast"]
    assert rows["reasons"].iloc[0] == "Focus"
    assert "bad.png" in rows["reasons"].iloc[-1]
    assert all(url.startswith("data:image/jpeg") and len(url) < 2500 for url in rows["picture"][:10])
    assert rows["picture"].isna().iloc[10]
    # the count, corrected with the decisions on the test images
    count = counted(app)
    assert count.loc["basophil", "cells"] == 2
    assert count.loc["basophil", "as found"].startswith("25.0 % (7.1 to 59.1)")
    assert count.loc["basophil", "corrected"] != "–"
    assert "Of 10 cells read, 8 were counted; 1 left open between two classes and 1 referred" in words(app)
    assert "300 images of its test split" in words(app)
    records = [one for one in replay(home, HOME_JOURNAL) if one["kind"] == "reading"]
    assert [one["batch_id"] for one in records] == [run.batch_id] * 10
    # the first one is open; an expert corrects it
    assert "The edges are soft" in words(app)
    referred = next(item for item in run.items() if item.name.endswith("blurred.png"))
    save_review(home, str(referred.reading_id), "correct", class_="lymphocyte", reviewed_by="Ann")
    app.run()
    assert table(app)["review"].iloc[0] == "corrected to lymphocyte"
    assert counted(app).loc["lymphocyte", "after review"].startswith("11.1 %")
    assert counted(app).loc["lymphocyte", "cells"] == 0
    # the next one, and one kind alone
    app.button(key="batch_next").click().run()
    assert "2 of 11" in words(app)
    app.pills(key="batch_show").set_value("two").run()
    assert list(table(app)["decision"]) == ["Basophil or erythroblast"]
    app.text_input(key="batch_text").set_value("nothing").run()
    assert "no such file" in words(app)


def test_its_report_and_csv_hold_everything(open_page: OpenPage, search_id: str, home: Path):
    run = read_batch(open_page("batch", search=search_id))
    items = batch_tables.in_order(run.items())
    count = differential(CLASSES, [item.reading.decision for item in items if item.reading], run.errors)
    pdf = report_of(run, items, {}, count, None)
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Subtype /Image") == 6  # equal pictures are embedded once
    assert len({item.picture for item in items if item.picture}) == 6
    csv = batch_tables.export_table(items, {})
    assert len(csv) == 11
    assert csv["p_myeloblast"].iloc[0] == pytest.approx(0.02)
    assert csv["flags"].iloc[0] == BLUR
    assert csv["refused"].iloc[-1].startswith("bad.png")
    assert set(csv["image_sha256"].dropna()) == {item.reading.image_sha256 for item in items if item.reading}


def test_progress_and_cancel_survive_leaving_the_page(open_page: OpenPage, search_id: str, home: Path):
    go = threading.Semaphore(0)
    files = [Upload(f"{at}.png", png(50)) for at in range(20)]
    run = BatchRun(home, About(f"{search_id}.final-1", "final", CLASSES), lambda: Reader(go), files, 20).start()
    go.release(4)
    while run.progress().done < 4:
        assert not run.wait(0.01)
    app = open_page("batch", batch=run.batch_id)
    assert not app.exception
    assert "4 of 20 files read" in app.get("progress")[0].proto.text
    assert len(table(app)) == 4  # what has been read so far
    app.switch_page("searches.py").run()
    app.query_params.clear()
    app.switch_page("batch.py").run()
    assert "4 of 20 files read" in app.get("progress")[0].proto.text
    app.button(key="batch_cancel").click().run()
    assert run.cancelling
    go.release()
    assert run.wait(60)
    app.run()
    assert "Cancelled after 5 of 20 files" in app.info[0].value
    app.button(key="batch_new").click().run()
    assert "Choose images" in words(app)


def test_a_model_that_fails_and_a_batch_that_is_forgotten_are_told(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    def missing(folder: Path, model_id: str, runtime: str | None = None) -> None:
        raise ValueError(f"Trial {model_id} has no weights.")

    monkeypatch.setattr(readers, "reader_of", missing)
    app = open_page("batch", search=search_id)
    app.file_uploader[0].set_value([("a.png", png(0), "image/png")])
    app.run()
    app.button(key="batch_start").click().run()
    done(app)
    app.run()
    assert f"Trial {search_id}.final-1 has no weights." in app.error[0].value.replace("\\", "")
    app = open_page("batch", batch="b-gone")
    assert "no longer in memory" in words(app)
    assert not app.exception


def test_a_batch_that_too_many_wait_before_keeps_its_files(open_page: OpenPage, search_id: str, home: Path):
    go, about = threading.Semaphore(0), About(f"{search_id}.final-1", "final", CLASSES)
    runs = [BatchRun(home, about, lambda: Reader(go), [Upload("a.png", png(50))], 1).start() for _ in range(4)]
    app = open_page("batch", search=search_id)
    app.file_uploader[0].set_value([("a.png", png(0), "image/png")])
    app.run()
    app.button(key="batch_start").click().run()
    assert any("2 wait already" in one.value for one in app.warning)
    go.release(4)
    assert all(run.wait(60) for run in runs)
    app.button(key="batch_start").click().run()
    assert done(app).progress().status == "complete"


def test_the_chart_has_a_mark_and_an_interval_for_each_share():
    readings = [Reader().read_pixels(np.full((2, 2, 3), (red, 0, 0), np.uint8), "") for red in (0, 0, 50, 100)]
    count = differential(CLASSES, [one.decision for one in readings], np.eye(5) * 20)
    figure = differential_chart(batch_tables.count_rows(count))
    assert [trace.name for trace in figure.data] == ["as found", "corrected"]
    assert list(figure.data[0].x) == [0.5, 0.25, 0.25, 0, 0]
    assert all(length >= 0 for trace in figure.data for length in trace.error_x.array)
    assert len(differential_chart(batch_tables.count_rows(differential(CLASSES, []))).data) == 0


class _Found:
    """What `explain` makes of any image: no colour over it."""

    words = "Colour: made up."

    def over(self, rgb: np.ndarray, class_: int, strength: float) -> np.ndarray:
        return rgb


def test_the_report_of_one_reading_has_where_the_network_looked_and_the_review(
    search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    rgb = np.full((36, 40, 3), (25, 0, 0), np.uint8)
    seen = types.SimpleNamespace(reading=Reader().read_pixels(rgb, "0" * 64), rgb=rgb)
    reading_id = save_reading(home, seen.reading, file_name="cell.png", through="page")
    save_review(home, reading_id, "correct", class_="lymphocyte", note="Small.", reviewed_by="Ann")
    assert shared(home).catch_up(60)
    monkeypatch.setattr("core.prediction.explain.explain", lambda reader, seen: _Found())
    item = predict_report._reported(Reader(), seen, "cell.png", reading_id)  # type: ignore[arg-type]
    assert [caption.partition(":")[0] for caption, _ in item.more] == [
        "Where the network looked for basophil", "Where the network looked for erythroblast",
    ]  # fmt: skip
    assert item.review is not None
    assert (item.review.words, item.review.note, item.review.reviewed_by) == (
        "corrected to lymphocyte",
        "Small.",
        "Ann",
    )
    assert item.at is not None
    assert reading_report(item, made_at=item.at).startswith(b"%PDF-")

"""The Field page with a stand-in for the reader: boxes found, mended and read, on record, counted."""

from __future__ import annotations

import hashlib
import io
import types
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.prediction import field as fields
from core.prediction import readers, report
from core.prediction.count import differential
from core.prediction.field import CellReading, Field, open_field
from core.prediction.kept import kept_file
from core.prediction.reader import Reader as RealReader
from core.prediction.reading import BLUR, Flag, Reading, decide
from core.prediction.report_facts import Review
from core.prediction.smear import Box
from core.prediction.smear_scale import Ruler
from core.prediction.smear_settings import Settings
from core.prediction.thumbnail import small_jpeg
from pages.charts.field import field_figure
from pages.components import field_report
from pages.components.field_boxes import boxes_in, edge_words, selected, table
from pages.components.field_tables import cell_words, export_table, why
from pages.components.models import Model
from store.journal import HOME_JOURNAL, replay
from tests.core.prediction.smears import NEUTROPHIL, White, draw
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import CLASSES, write_search
from tests.store.factory_readings import a_reading, called

WHITES = (White(2.5, 2.5, lobes=NEUTROPHIL), White(7.5, 5.4), White(7.5, 0.3))


class Reader:
    """The first image is a basophil, the next is flagged, the others are monocytes."""

    classes, calibration, runtime, weights_sha256 = CLASSES, None, "torch", "w" * 64

    answer = RealReader.answer

    def __init__(self) -> None:
        self.read: list[tuple[int, ...]] = []

    def read_pixels(self, rgb: np.ndarray, image_sha256: str, *, point: Any = None) -> Reading:
        self.read.append(rgb.shape)
        p = np.full(5, 0.02)
        p[0 if len(self.read) == 1 else 2] += 0.9
        flags = (Flag(BLUR, len(self.read) == 2, "The edges are soft."),)
        members = (CLASSES[int(p.argmax())],)
        return Reading(
            "m", "torch", "w" * 64, image_sha256, rgb.shape[1], rgb.shape[0], CLASSES, p, p, True, 1.2, p, members,
            dict.fromkeys(CLASSES, 0.95), flags, None, decide(CLASSES, p, members, flags, None), {},
        )  # fmt: skip


def png(rgb: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def reader(home: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The reader of the model of a finished search."""
    found = Reader()
    monkeypatch.setattr(readers, "reader_of", lambda folder, model_id, runtime=None: found)
    write_search(home, trials=1, n_train=5, n_val=5, n_test=300, n_calibration=0)
    return found


def uploaded(open_page: OpenPage, data: bytes) -> AppTest:
    app = open_page("field")
    app.file_uploader(key="field_upload").upload("field.png", data, "image/png").run()
    assert not app.exception
    return app


def test_without_a_model_or_a_file_the_page_says_what_to_do(open_page: OpenPage, home: Path):
    assert "The published model's weights are not public" in words(open_page("field"))
    write_search(home, trials=1, n_train=5, n_val=5, n_test=300, n_calibration=0)
    said = words(open_page("field"))
    assert "Choose the image of a field" in said
    assert "Research use only" in said


def test_a_field_is_read_recorded_and_counted(open_page: OpenPage, reader: Reader, home: Path):
    app = uploaded(open_page, png(draw(WHITES)))
    assert "3 white cells were found in 660 x 480 px; a red cell takes" in words(app)
    assert "reaches the edge of the field" in words(app)
    assert "This model is not calibrated" in words(app)
    assert not reader.read
    app.button(key="field_read_button").click().run(timeout=60)
    assert not app.exception
    assert len(reader.read) == 3
    assert all(height == width for height, width, _ in reader.read)
    recorded = [record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]
    assert len(recorded) == 3
    assert {record["through"] for record in recorded} == {"field"}
    assert len({record["batch_id"] for record in recorded}) == len({record["image_sha256"] for record in recorded}) == 1
    assert all(len(record["box"]) == 4 and record["file_name"] == "field.png" for record in recorded)
    said = words(app)
    assert "Differential count" in said
    assert "Refer to an expert" in said
    assert "Probability 92.0%." in said
    assert "Of 2 cells read, " in said  # the one at the edge is left out
    app.toggle(key="field_count_edge").set_value(True).run()
    assert "Of 3 cells read, " in words(app)
    assert len([record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]) == 3
    assert not any(record["kept"] for record in recorded)
    assert not (home / "kept").exists()


def test_what_was_read_holds_for_the_ruler_and_the_calibration_it_was_read_with(
    open_page: OpenPage, reader: Reader, home: Path
):
    def batches() -> set[str]:
        return {record["batch_id"] for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"}

    def offered() -> bool:
        return any(button.key == "field_read_button" for button in app.button)

    app = uploaded(open_page, png(draw(WHITES)))
    app.button(key="field_read_button").click().run(timeout=60)
    assert not offered()
    app.number_input(key="field_red_cell").set_value(70).run()
    assert offered()  # another ruler cuts other squares around the same boxes
    app.number_input(key="field_red_cell").set_value(0).run()
    assert not offered()  # the readings of before, not read again
    assert len(batches()) == 1
    reader.calibration = types.SimpleNamespace(temperature=1.3)  # type: ignore[assignment]
    app.run()
    assert offered()
    app.button(key="field_read_button").click().run(timeout=60)
    assert not app.exception
    assert not offered()
    assert len(batches()) == 2
    reader.calibration = None
    assert not [button for button in app.run().button if button.key == "field_read_button"]
    assert len(batches()) == 2


def test_a_kept_field_is_reviewed_and_reported(open_page: OpenPage, reader: Reader, home: Path):
    data = png(draw(WHITES))
    app = uploaded(open_page, data)
    app.checkbox(key="field_keep").set_value(True).run()
    app.button(key="field_read_button").click().run(timeout=60)
    recorded = [record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]
    assert [record["kept"] for record in recorded] == [True] * 3
    kept = kept_file(home, hashlib.sha256(data).hexdigest())
    assert kept is not None
    assert kept.read_bytes() == data
    reading_id = recorded[0]["reading_id"]
    assert not [button for button in app.button if button.key == f"refer_{reading_id}"]
    app.session_state[f"field_review_{reading_id}"] = True
    app.run()
    app.button(key=f"confirm_{reading_id}_basophil").click().run()
    assert not app.exception
    (review,) = (record for record in replay(home, HOME_JOURNAL) if record["kind"] == "review")
    assert (review["reading_id"], review["verdict"], review["class"]) == (reading_id, "confirm", "basophil")
    said = words(app)
    assert "**Review:** confirmed as basophil" in said
    assert "After review, an expert's word counts" in said


def test_the_report_of_a_field_shows_its_cells_and_its_reviews(monkeypatch: pytest.MonkeyPatch):
    pixels = np.full((200, 300, 3), 220, np.uint8)
    field = replace(FIELD, picture=small_jpeg(pixels, 300))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    cells = [
        CellReading(number, Box(50 * number, 20, 40, 40), small_jpeg(pixels), a_reading(called(class_)), f"r-{number}",
                    number == 2, at)
        for number, class_ in ((1, "monocyte"), (2, "basophil"))
    ]  # fmt: skip
    count = differential(CLASSES, [cell.reading.decision for cell in cells[:1]])
    reviews = {"r-1": Review("correct", "erythroblast", "", None, at)}
    model = Model("f-1", "Some model", "d-1", CLASSES, ())
    monkeypatch.setattr(field_report, "card_of", lambda model_id: None)
    made: list[Any] = []
    batch_report = report.batch_report

    def spy(*given: Any, **named: Any) -> bytes:
        made.extend((*given, named))
        return batch_report(*given, **named)

    monkeypatch.setattr(report, "batch_report", spy)
    pdf = field_report.report_of(field, model, None, cells, reviews, count, None)
    title, items, _, _, named = made
    assert title == "Field f.png"
    assert [(item.name, item.box) for item in items] == [
        ("Cell 1", (50, 20, 40, 40)), ("Cell 2, at the edge", (100, 20, 40, 40)),
    ]  # fmt: skip
    assert (items[0].review, items[1].review) == (reviews["r-1"], None)
    assert ("Cells read", "2, of which 1 at the edge of the field; 1 are counted") in named["facts"]
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Subtype /Image") == 2  # the field; both cells have one picture
    table = export_table("f.png", cells, reviews)
    assert table["expert_class"].tolist()[:1] == ["erythroblast"]
    assert table["x"].tolist() == [50, 100]


def test_what_is_no_image_has_its_sentence(open_page: OpenPage, reader: Reader):
    app = uploaded(open_page, b"no image at all")
    assert "field.png is not an image that can be read" in app.error[0].value
    assert not app.exception


def test_a_field_without_white_cells_says_so(open_page: OpenPage, reader: Reader):
    app = uploaded(open_page, png(draw(columns=6, rows=5)))
    assert "No white cell was found in 360 x 300 px" in words(app)
    assert "There is no box to read" in words(app)


FIELD = Field("f.png", "s" * 64, 300, 200, b"", Ruler(40, True), (), 0)


def test_an_edited_table_becomes_boxes():
    found = table([Box(10, 20, 50, 60, 0.8)])
    none = float("nan")
    added = pd.DataFrame(
        [(250, 150, 90, 90, none), (10, 20, 50, 60, none), (5, 5, none, none, none), (295, 10, 50, 50, none),
         (none, none, none, none, none)], columns=found.columns[1:],
    )  # fmt: skip
    boxes, problems = boxes_in(pd.concat([found, added]), FIELD)
    assert boxes == [Box(10, 20, 50, 60, 0.8), Box(250, 150, 50, 50, 1.0)]  # cut to the field; the same one once
    assert len(problems) == 2
    assert "needs x, y, width and height" in problems[0]
    assert "The box at 295, 10 of 50 x 50 px shows under 8 x 8 px" in problems[1]


def test_a_rectangle_on_the_image_becomes_a_box():
    event = {"selection": {"box": [{"x": [120.4, 60.2], "y": [30.1, 99.6]}]}}
    assert selected(event) == Box(60, 30, 60, 70, 1.0)
    assert selected({"selection": {"box": [], "points": []}}) is None
    assert selected(None) is None


def test_a_cell_tells_its_probability_and_what_nothing_vouches_for():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sure = np.array([0, 1 - 1e-6, 1e-6, 0, 0])
    reading = a_reading(called("erythroblast"), probabilities=sure, calibrated=False, prediction_set=())
    cell = CellReading(1, Box(0, 20, 40, 40), b"", reading, "r-1", True, at)
    assert cell_words(cell) == "Erythroblast (>99.9%)"
    assert why(cell) == ["Not calibrated", "1 check not made", "At the edge"]


def test_cells_at_the_edge_are_named():
    inside, outside = Box(50, 50, 40, 40), Box(0, 50, 40, 40)
    assert edge_words([inside], FIELD) == ""
    assert edge_words([inside, outside], FIELD).startswith("Cell 2 reaches the edge")
    assert edge_words([outside, outside], FIELD).startswith("Cells 1, 2 reach the edge")


def test_the_figure_shows_every_box_by_its_number_in_the_pixels_of_the_field():
    rows = pd.DataFrame(
        [(1, 10, 20, 50, 60, "class", "Monocyte (0.93)"), (2, 100, 20, 50, 60, "unread", "not read yet")],
        columns=["number", "x", "y", "width", "height", "kind", "words"],
    )
    figure = field_figure("data:image/jpeg;base64,", 300, 200, rows)
    corners = {(shape.x0, shape.y0, shape.x1, shape.y1) for shape in figure.layout.shapes}
    assert corners == {(10, 20, 60, 80), (100, 20, 150, 80)}
    assert {note.text for note in figure.layout.annotations} == {"<b>1</b>", "<b>2</b>"}
    assert figure.layout.images[0].sizex == 300
    assert tuple(figure.layout.yaxis.range) == (200, 0)
    assert len({shape.line.color for shape in figure.layout.shapes}) == 2


def test_a_field_of_far_too_many_cells_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fields, "MOST", 2)
    field = open_field(png(draw(WHITES)), "f.png", Settings())
    assert (len(field.boxes), field.more) == (2, 1)

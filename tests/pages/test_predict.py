"""The Predict page with a stand-in for the network, on images that lie on this machine."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import statements
from core.evaluation.decision import Thresholds, as_record, equal_costs
from core.learning.settings import ModelError
from core.prediction import readers
from core.prediction.reading import BLUR, Flag, name_of
from pages.components import predict_calibrate, predict_image
from pages.components.data import read
from pages.components.notes import plain
from store.journal import JournalError, replay
from tests.pages.conftest import OpenPage
from tests.pages.predicting import Net, certain, decided, picture, recorded, searched, stand_in
from tests.pages.test_pages import words
from tests.store.factory import CLASSES, write_search


@pytest.fixture
def search_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished search whose images are there: a red square each."""
    return searched(home, monkeypatch)


def test_a_sample_image_is_read_and_put_on_record_once(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    assert not app.error
    assert set(asked) == {f"{search_id}.final-1"}  # the search's model, not its best trial
    assert decided(app).endswith("Basophil")
    said = words(app)
    assert "40 x 36 px" in said
    assert "Research use only. Not a medical device" in said
    assert "Model loaded in 2.3 s" in said
    (image_id,) = [app.query_params["image"]]
    test = read("images", str(read("search", search_id)["dataset_id"].iloc[0]), "ok").query("split == 'test'")
    row = test[test["image_id"] == int(image_id[0] if isinstance(image_id, list) else image_id)].iloc[0]
    assert "Every reading on this page goes on record at once." in said
    assert "Labelled" not in said  # whoever reviews it has not seen the answer
    shown = words(next(toggle for toggle in app.toggle if toggle.label == "Show its label").set_value(True).run())
    assert plain(f"Labelled {name_of(row['class'])} in its dataset ({row['path']}).") in shown
    (first,) = recorded(home)
    assert (first["model_id"], first["file_name"], first["through"]) == (
        f"{search_id}.final-1", Path(row["path"]).name, "page",
    )  # fmt: skip
    assert (first["decided_classes"], first["kept"], first["calibrated"]) == (["basophil"], False, False)
    app.run()
    app.segmented_control(key="cell_zoom").set_value(4).run()
    assert "4x" in picture(app)[0]
    assert len(recorded(home)) == 1  # the same image, model and rule in the same session


def test_the_choice_of_a_sample_does_not_tell_its_class(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    (box,) = [box for box in app.selectbox if box.label == "Image"]
    assert all(option.startswith("No. ") for option in box.options)
    before = app.query_params["image"]
    app.button(key="sample_another").click().run()
    assert app.query_params["image"] != before


def test_a_link_names_dataset_and_image(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    dataset_id = str(read("search", search_id)["dataset_id"].iloc[0])
    image_id = int(read("images", dataset_id, "ok").query("split == 'test'")["image_id"].iloc[-1])
    app = open_page("predict", search=search_id, dataset=dataset_id, image=str(image_id))
    (box,) = [box for box in app.selectbox if box.label == "Image"]
    assert box.value == image_id
    app = open_page("predict", search=search_id, dataset="d-gone")
    assert not app.error
    assert decided(app).endswith("Basophil")  # an image of the search's own data


def test_without_calibration_it_is_said_with_the_way_to_it(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    started: list[Any] = []
    monkeypatch.setattr(predict_calibrate, "begin", lambda *arguments: started.append(arguments))
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    said = words(app)
    assert "not calibrated, so nothing says how sure this is" in said
    assert "5 calibration images, which neither training nor the search has used" in said
    model = f"{search_id}.final-1"
    assert any(f"python -m core calibrate {model}" in code.value for code in app.code)
    app.button(key="calibrate").click().run()
    assert started == [("calibration", model, ["calibrate", model])]


def test_a_prediction_set_is_marked_and_vouched_for(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net(), calibration=certain())
    app = open_page("predict", search=search_id)
    said = words(app)
    assert decided(app).endswith("Basophil")
    assert "Decided by the prediction set." in said
    assert "Prediction set (1 of 5): basophil. Such sets hold the true class of at least" in said.replace("\\", "")
    assert "on average, as far as they are like the calibration images" in said
    assert "not calibrated" not in said
    assert "Blast watch: not raised" in said
    (record,) = recorded(home)
    assert record["prediction_set"] == ["basophil"]


def test_a_raised_check_refers_with_its_reason(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    limits = SimpleNamespace(flags=lambda found: (Flag(BLUR, True, "The image is blurred (sharpness 1.2)."),))
    stand_in(monkeypatch, Net(), calibration=certain(), limits=limits)
    app = open_page("predict", search=search_id)
    assert decided(app).endswith("Refer to an expert")
    said = words(app)
    assert "The image is blurred (sharpness 1.2)." in said.replace("\\", "")
    assert "Decided by a check of the image." in said
    app.session_state["reading_part"] = "Checks"
    assert "A check that is not raised says little" in words(app.run())


def test_weights_that_are_missing_are_told(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    def missing(home: Path, model_id: str) -> None:
        raise ModelError(f"Trial {model_id} has no weights.")

    monkeypatch.setattr(readers, "reader_of", missing)
    assert "has no weights" in open_page("predict", search=search_id).error[0].value


def test_a_broken_image_is_told_and_not_recorded(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    for path in (home / "made-up").rglob("*.png"):
        path.write_bytes(b"not an image")
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    assert len(app.error) == 1
    assert "Traceback" not in app.error[0].value
    assert recorded(home) == []


def test_images_that_are_gone_leave_the_upload(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    app = open_page("predict", search=search_id)
    assert "not on this machine" in words(app)


def save_point(home: Path, search_id: str, thresholds: tuple[float, ...], model: str | None = None) -> str:
    return statements.save_operating_point(
        home, "careful", model or f"{search_id}.final-1", CLASSES, as_record(Thresholds(thresholds)),
        search_id=search_id if model is None else None,
    )  # fmt: skip


def test_an_operating_point_decides(open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(monkeypatch, Net())
    point = save_point(home, search_id, (1.0, 0.02, 0.2, 0.2, 0.2))  # 0.04 is twice its threshold
    image = str(read("images", str(read("search", search_id)["dataset_id"].iloc[0]), "ok")
                .query("split == 'test'")["image_id"].iloc[0])  # fmt: skip
    app = open_page("predict", search=search_id, point=point, image=image)
    assert decided(app).endswith("Erythroblast")
    by = "Decided by the operating point careful. Operating point: thresholds basophil 1, erythroblast 0.02"
    assert by in words(app).replace("\\", "")
    box = next(box for box in app.selectbox if box.label == "Decide by")
    box.set_value("").run()
    assert decided(app).endswith("Basophil")
    points = [(record["operating_point_id"], record["decided_classes"]) for record in recorded(home)]
    assert points == [(point, ["erythroblast"]), (None, ["basophil"])]


def test_an_image_below_all_thresholds_is_referred(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id, point=save_point(home, search_id, (0.95,) * 5))
    assert decided(app).endswith("Refer to an expert")
    assert "No class reaches its threshold" in words(app)


def test_points_that_cannot_be_used_are_told(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id, point="o-gone")
    assert "operating point in this link is not one of this model's" in words(app)
    few = statements.save_operating_point(
        home, "few", f"{search_id}.final-1", CLASSES[:3], as_record(equal_costs(3)), search_id=search_id
    )
    app = open_page("predict", search=search_id, point=few)
    assert "made for 3 classes, the model has 5. The prediction set decides." in words(app)
    assert decided(app).endswith("Basophil")


def test_an_image_is_kept_only_when_it_is_asked_for(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    assert not (home / "kept").exists()
    keep_box(app).check().run()
    (kept,) = [path for path in (home / "kept").rglob("*") if path.is_file()]
    assert [record["kept"] for record in recorded(home)] == [False, True]
    assert kept.stem == recorded(home)[1]["image_sha256"]
    app.run()
    assert len(recorded(home)) == 2


def keep_box(app: AppTest) -> Any:
    return next(box for box in app.checkbox if box.label == "Keep the image")


def test_a_tick_keeps_one_image_and_no_other(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    keep_box(app).check().run()
    app.segmented_control(key="image_source").set_value("upload").run()
    file = io.BytesIO()
    Image.new("RGB", (30, 30), (10, 10, 200)).save(file, "PNG")
    app.file_uploader(key="image_upload").upload("own.png", file.getvalue(), "image/png").run()
    assert not keep_box(app).value
    assert [(record["file_name"] == "own.png", record["kept"]) for record in recorded(home)] == [
        (False, False), (False, True), (True, False),
    ]  # fmt: skip
    assert len([path for path in (home / "kept").rglob("*") if path.is_file()]) == 1


def test_a_tick_after_a_review_asks_for_another_one(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    app.session_state["reading_part"] = "Record and review"
    next(button for button in app.run().button if button.label == "Confirm basophil").click().run()
    again = "Recorded anew with its image; please review it again."
    assert again not in words(app)
    said = words(keep_box(app).check().run())
    assert again in said
    assert "The image is kept." in said
    next(button for button in app.button if button.label == "Confirm basophil").click().run()
    assert again not in words(app)


def test_data_without_a_test_split_are_not_called_one(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())

    def box() -> Any:
        return next(one for one in open_page("predict", search=search_id).selectbox if one.label == "Of")

    assert box().options[0].startswith("Test split of ")
    found = predict_image.read
    monkeypatch.setattr(
        predict_image, "read",
        lambda query, *given: found(query, *given).assign(split="train") if "image" in query else found(query, *given),
    )  # fmt: skip
    assert box().options[0].startswith("Images of ")
    assert box().options[0].endswith(" (no test split)")


def test_an_expert_reviews_the_reading(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    app.session_state["reading_part"] = "Record and review"
    app.run()
    (reading,) = recorded(home)
    assert f"On record as {reading['reading_id']}. The image is not kept." in words(app)
    next(button for button in app.button if button.label == "Confirm basophil").click().run()
    (review,) = [record for record in replay(home, "_home") if record["kind"] == "review"]
    assert (review["reading_id"], review["verdict"], review["class"]) == (reading["reading_id"], "confirm", "basophil")


def test_a_reading_that_cannot_be_recorded_is_told(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any, **__: Any) -> str:
        raise JournalError("The disk is full.")

    monkeypatch.setattr("pages.components.predict_record.save_reading", full)
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    assert app.error[0].value == "This reading is not on record: The disk is full."
    assert decided(app).endswith("Basophil")


def test_the_card_says_what_the_model_does_not_know(
    open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch
):
    said = {"What it does not know": {"0": "It has *not* been measured elsewhere."}, "Data": {"name": "made up"}}
    found = SimpleNamespace(
        facts={"model": {"name": "the model"}}, members=(), to_words=lambda: said, to_markdown=lambda: "# Card"
    )
    monkeypatch.setattr("core.prediction.card.card", lambda home, model_id: found)
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    assert "What it does not know" not in words(app)
    app.session_state["model_card"] = True
    shown = words(app.run())
    assert "**What it does not know**\n\n- It has \\*not\\* been measured elsewhere." in shown
    assert "- :gray[Name:] made up" in shown

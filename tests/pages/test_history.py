"""The page History on an empty, a small and a large store."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import statements
from core.prediction.kept import keep
from core.prediction.reading import REFER, Decision
from pages.components import history_table
from pages.components.data import read
from pages.components.history_words import as_file
from pages.components.review_controls import known_class
from store.owner import shared
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES
from tests.store.factory_readings import OLDER, a_reading, called, write_history
from tests.store.tools import raw


def image(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 36), (shade, 10, 10)).save(out, "PNG")
    return out.getvalue()


def say(home: Path, decision: Decision | None = None, *, shade: int = 1, kept: bool = False, **other: Any) -> str:
    """Record a reading of an image of its own."""
    data = image(shade)
    if kept:
        keep(home, data)
    reading = a_reading(decision, image_sha256=hashlib.sha256(data).hexdigest())
    given = {"file_name": f"cell-{shade}.png", "through": "page", "kept": kept} | other
    return statements.save_reading(home, reading, **given)


def table(app: AppTest) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "decision" in frame.value)


def all_words(app: AppTest) -> str:
    return words(app) + " ".join(box.label for box in app.expander)


# --- nothing, little, much --------------------------------------------------------------------------------------------


def test_an_empty_store_says_how_a_reading_comes_on_record(open_page: OpenPage):
    app = open_page("history")
    assert "No reading is on record yet" in words(app)
    assert "kept only where you tick it" in words(app)
    assert not app.dataframe


def test_a_few_readings_stand_newest_first_with_pictures_of_what_was_kept(open_page: OpenPage, home: Path):
    say(home, called("monocyte"), shade=1)
    second = say(home, shade=2, kept=True)
    statements.save_review(home, second, "correct", class_="lymphocyte")
    app = open_page("history")
    shown = table(app)
    assert shown["file"].tolist() == ["cell-2.png", "cell-1.png"]
    assert shown["decision"].tolist() == ["Monocyte or erythroblast", "Monocyte"]
    assert shown["review"].tolist() == ["lymphocyte (corrected)", ""]
    assert shown["image"][0].startswith("data:image/jpeg;base64,")
    assert pd.isna(shown["image"][1])
    assert "Readings 1 to 2 of 2, newest first; 1 reviewed. 1 image was kept." in words(app)


def test_a_large_history_is_read_a_page_at_a_time(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    write_history(home, 2_000)
    asked: list[tuple[Any, ...]] = []

    def noting(query: str, *arguments: Any) -> pd.DataFrame:
        found = read(query, *arguments)
        asked.append((query, len(found)))
        return found

    monkeypatch.setattr(history_table, "read", noting)
    app = open_page("history", sheet="3")
    assert "Readings 51 to 75 of 2,000, newest first" in words(app)
    assert table(app)["file"].tolist()[0] == "cell_01949.png"
    assert max(rows for _, rows in asked) == history_table.A_PAGE
    app = open_page("history", view="Agreement")
    assert int(figures(app)["Reviewed images"].replace(",", "")) > 800


# --- the filter -------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(home: Path) -> list[str]:
    ids = [
        say(home, called("monocyte"), shade=1), say(home, shade=2, through="batch", batch_id="b-1"),
        say(home, Decision(REFER, (), "flag", ("Blurred.",)), shade=3, through="api"),
    ]  # fmt: skip
    statements.save_review(home, ids[0], "confirm", decided=["monocyte"])
    return ids


@pytest.mark.parametrize(
    ("query", "files"),
    [
        ({"q": "CELL-2"}, ["cell-2.png"]),
        ({"decision": "refer"}, ["cell-3.png"]),
        ({"class": "erythroblast"}, ["cell-2.png"]),
        ({"review": "none"}, ["cell-3.png", "cell-2.png"]),
        ({"review": "confirm"}, ["cell-1.png"]),
        ({"through": "api"}, ["cell-3.png"]),
        ({"batch": "b-1"}, ["cell-2.png"]),
        ({"model": "s-a.final-1", "through": "page"}, ["cell-1.png"]),
        ({"since": "2025-01-01"}, ["cell-3.png", "cell-2.png", "cell-1.png"]),
    ],
    ids=str,
)
def test_a_link_holds_the_filter(open_page: OpenPage, several: list[str], query: dict[str, str], files: list[str]):
    assert table(open_page("history", **query))["file"].tolist() == files


def test_a_filter_that_nothing_fits_says_so(open_page: OpenPage, several: list[str]):
    app = open_page("history", until="2025-01-01")
    assert "No reading fits this filter" in words(app)


def test_a_box_filters_and_stands_in_the_address(open_page: OpenPage, several: list[str]):
    app = open_page("history")
    next(box for box in app.selectbox if box.label == "Decision").set_value("set").run()
    assert table(app)["file"].tolist() == ["cell-2.png"]
    assert app.query_params["decision"] in ("set", ["set"])


# --- one reading ------------------------------------------------------------------------------------------------------


def test_a_reading_shows_all_that_is_on_record(open_page: OpenPage, home: Path):
    reading_id = say(home, shade=2, kept=True, batch_id="b-1", through="batch")
    app = open_page("history", reading=reading_id)
    said = all_words(app).replace("\\", "")  # as Markdown shows it
    assert [one.value for one in app.subheader] == ["Monocyte or erythroblast"]
    assert "Decided by: prediction set" in said
    assert "Calibrated by temperature 1.25. Prediction set: monocyte, erythroblast" in said
    assert "Watch on myeloblast: not raised" in said
    assert "uncalibrated probability 5.0%, threshold 20.0%" in said
    assert "Such sets hold the true class of at least 95.0% of new images of each class" in said
    (results,) = (one.value["result"] for one in app.table if "result" in one.value)
    assert list(results) == ["not raised", "not checked"]
    assert "Nobody has reviewed this reading yet" in said
    facts = app.table[-1].value["value"]
    assert facts["SHA-256 of the file"] == hashlib.sha256(image(2)).hexdigest()
    assert (facts["runtime"], facts["image kept"], facts["through"]) == ("torch", "yes", "Batch")
    app.button(key="reading_batch").click().run()
    assert table(app)["file"].tolist() == ["cell-2.png"]
    assert table(app)["highest probability"].tolist() == ["60.0%"]
    app.button(key="batch_all").click().run()
    assert "batch" not in app.query_params


def test_what_was_not_kept_is_said(open_page: OpenPage, home: Path):
    assert "The image was not kept" in words(open_page("history", reading=say(home)))


def test_a_reading_of_an_older_version_is_shown_without_a_decision(open_page: OpenPage, home: Path):
    raw(home, "_home/old", [OLDER | {"at": "2026-01-01T00:00:00+00:00"}])
    app = open_page("history", reading="r-old")
    assert "recorded probabilities, but no decision" in words(app)
    assert table(open_page("history"))["decision"].tolist() == ["not recorded"]


def test_a_reading_that_is_not_there_is_told_beside_those_that_are(open_page: OpenPage, several: list[str]):
    app = open_page("history", reading="r-nothing")
    assert "There is no reading r-nothing here" in words(app)
    assert len(table(app)) == 3


# --- reviews ----------------------------------------------------------------------------------------------------------


def latest(reading_id: str) -> dict[str, Any]:
    return {str(name): value for name, value in read("reviews", reading_id).iloc[0].to_dict().items()}


def caught_up(home: Path) -> None:
    assert shared(home).catch_up(60)


def test_an_expert_confirms_with_a_note_and_a_name(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pages.components.review_controls.person", lambda: None)  # nobody is logged in
    reading_id = say(home, called("monocyte"))
    app = open_page("history", reading=reading_id)
    app.text_input(key=f"review_note_{reading_id}_0").set_value("Folded nucleus")
    app.text_input(key=f"review_name_{reading_id}_0").set_value("Dr. N.")
    app.button(key=f"confirm_{reading_id}_monocyte").click().run()
    assert not app.exception
    found = latest(reading_id)
    assert (found["verdict"], found["class"], found["note"]) == ("confirm", "monocyte", "Folded nucleus")
    assert "monocyte (confirmed) by Dr. N." in words(app).replace("\\", "")
    assert app.text_input(key=f"review_note_{reading_id}_1").value == ""
    assert app.text_input(key=f"review_name_{reading_id}_1").value == "Dr. N."  # for the next reading


def test_of_a_set_one_class_is_confirmed_and_every_review_is_kept(open_page: OpenPage, home: Path):
    reading_id = say(home)
    app = open_page("history", reading=reading_id)
    app.button(key=f"refer_{reading_id}").click().run()
    assert latest(reading_id)["verdict"] == "refer"
    app.button(key=f"confirm_{reading_id}_erythroblast").click().run()
    assert (latest(reading_id)["verdict"], latest(reading_id)["class"]) == ("confirm", "erythroblast")
    assert "All 2 reviews; the latest counts" in all_words(app)


def test_a_referred_cell_is_corrected_not_confirmed(open_page: OpenPage, home: Path):
    reading_id = say(home, Decision(REFER, (), "flag", ("Blurred.",)))
    app = open_page("history", reading=reading_id)
    assert not [button for button in app.button if str(button.key).startswith("confirm_")]
    app.button(key=f"correct_{reading_id}").click().run()
    assert "Name the class that the cell belongs to" in app.error[0].value
    app.selectbox(key=f"review_class_{reading_id}_0").set_value("basophil")
    app.button(key=f"correct_{reading_id}").click().run()
    assert not app.error
    assert (latest(reading_id)["verdict"], latest(reading_id)["class"]) == ("correct", "basophil")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Seg  Neutrophil", "seg_neutrophil"), ("MONOCYTE", "monocyte"), (" Lymphocyte ", "Lymphocyte")],
)
def test_a_typed_class_is_the_models_own_where_it_means_that(typed: str, meant: str):
    assert known_class(typed, CLASSES) == meant


# --- agreement, files -------------------------------------------------------------------------------------------------


def test_without_a_review_there_is_no_agreement_to_tell(open_page: OpenPage, home: Path):
    say(home)
    assert "None of these readings has been reviewed yet" in words(open_page("history", view="Agreement"))


def test_agreement_has_intervals_and_says_what_it_rests_on(open_page: OpenPage, home: Path):
    for shade, (class_, said) in enumerate(
        [("monocyte", "monocyte"), ("monocyte", "basophil"), ("basophil", "basophil"), ("basophil", "basophil")]
    ):
        reading_id = say(home, called(class_), shade=shade)
        statements.save_review(home, reading_id, "confirm" if class_ == said else "correct", class_=said)
    statements.save_review(home, say(home, shade=9), "confirm", class_="monocyte")
    app = open_page("history", view="Agreement")
    shown = figures(app)
    assert (shown["Reviewed images"], shown["Agreement"], shown["Cohen's kappa"]) == ("5", "0.750", "0.500")
    assert shown["In the set of two"] == "1.000"
    assert "the expert saw the model's call" in words(app).lower()
    assert "a set of two by the model, one class by the expert: 1 of them in the set" in words(app)
    assert "the intervals are wide" in words(app)


def test_one_class_alone_has_no_kappa(open_page: OpenPage, home: Path):
    statements.save_review(home, say(home, called("monocyte")), "confirm", class_="monocyte")
    app = open_page("history", view="Agreement")
    assert figures(app)["Cohen's kappa"] == "–"
    assert "Kappa is undefined" in words(app)


def test_the_file_holds_readings_with_their_reviews(home: Path):
    statements.save_review(home, say(home, box=(1, 2, 3, 4), through="field"), "correct", class_="lymphocyte")
    caught_up(home)
    flat = as_file(read("readings"))
    (row,) = flat.to_dict("records")
    assert (row["decided_classes"], row["expert_class"], row["box"]) == (
        "monocyte; erythroblast",
        "lymphocyte",
        "1 2 3 4",
    )
    assert row["p_monocyte"] == pytest.approx(0.6)
    assert len(flat.to_csv(index=False).splitlines()) == 2

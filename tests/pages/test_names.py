"""Names of classes, files and operating points are shown as they are, whatever Markdown would make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import statements
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory_readings import a_reading, called

CLASS, FILE = "a*b*c", ":red[x].png"


def test_a_recorded_reading_and_its_review(open_page: OpenPage, home: Path):
    reading = a_reading(called(CLASS), classes=(CLASS, "b", "c", "d", "e"), prediction_set=(CLASS,))
    reading_id = statements.save_reading(home, reading, file_name=FILE, through="page")
    app = open_page("history", reading=reading_id)
    assert r"A\*b\*c" in [one.value for one in app.subheader]
    assert r"\:red\[x\].png" in words(app)
    assert app.button(key=f"confirm_{reading_id}_{CLASS}").label == r"Confirm a\*b\*c"
    assert CLASS not in words(app)
    app.button(key=f"confirm_{reading_id}_{CLASS}").click().run()
    assert r"a\*b\*c \(confirmed\)" in words(app)
    assert CLASS not in words(app)


def the_decision() -> None:
    from core.prediction.reading import Decision
    from pages.components.predict_decision import checks, decision_panel
    from tests.store.factory_readings import a_reading

    decision = Decision("class", ("a*b*c",), "operating point *x*", ("The watch on a*b*c.",))
    found = a_reading(decision)
    decision_panel(found, "thresholds a*b*c 0.5")
    checks(found)


def test_a_decision():
    app = AppTest.from_function(the_decision, default_timeout=60).run()
    assert not app.exception
    said = words(app) + app.header[0].value
    assert CLASS not in said
    assert "*x*" not in said
    assert r"A\*b\*c" in app.header[0].value
    assert r"thresholds a\*b\*c 0.5" in said


def test_a_review_is_said_by_who_is_logged_in(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    reading_id = statements.save_reading(home, a_reading(called("monocyte")), file_name=FILE, through="page")
    monkeypatch.setattr("pages.components.review_controls.person", lambda: "m_huber@example.org")
    app = open_page("history", reading=reading_id)
    assert r"Recorded as said by m\_huber@example.org" in words(app)
    assert not [field for field in app.text_input if field.label == "Your name"]
    app.button(key=f"confirm_{reading_id}_monocyte").click().run()
    assert r"monocyte \(confirmed\) by m\_huber@example.org" in words(app)

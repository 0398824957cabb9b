"""Reviewed images on the page History: what is gathered, and what is left out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core import statements
from tests.pages.conftest import OpenPage
from tests.pages.test_history import image, say
from tests.pages.test_pages import words
from tests.store.tools import raw


def test_what_was_kept_and_settled_is_gathered(open_page: OpenPage, home: Path):
    for shade, class_ in enumerate(("lymphocyte", "monocyte")):
        statements.save_review(home, say(home, shade=shade, kept=True), "correct", class_=class_)
    statements.save_review(home, say(home, shade=7), "correct", class_="monocyte")  # not kept
    app = open_page("history", view="Reviewed images")
    assert "2 images" in words(app)
    assert "what was not kept cannot be had back" in words(app)
    app.button(key="gather").click().run()
    assert not app.exception
    (folder,) = (home / "gathered").iterdir()
    assert sorted(path.parent.name for path in folder.rglob("*.png")) == ["lymphocyte", "monocyte"]
    assert (folder / "manifest.csv").is_file()
    assert f"2 images in {folder}" in app.success[0].value


def test_nothing_kept_gathers_nothing(open_page: OpenPage, home: Path):
    statements.save_review(home, say(home), "correct", class_="lymphocyte")
    app = open_page("history", view="Reviewed images")
    assert "None of these readings has a kept image" in words(app)
    assert not [button for button in app.button if button.key == "gather"]


def test_images_that_models_are_judged_by_are_left_out(open_page: OpenPage, home: Path):
    for shade, class_ in enumerate(("lymphocyte", "monocyte")):
        statements.save_review(home, say(home, shade=shade, kept=True), "correct", class_=class_)
    at = {"at": "2026-01-01T00:00:00+00:00"}
    raw(home, "_home/held-out", [
        at | {"kind": "dataset", "dataset_id": "d", "name": "heldout", "classes": ["a"], "usable": 1, "bad": 0},
        at | {"kind": "images", "dataset_id": "d", "columns": {
            "image_id": [0], "path": ["0.png"], "sha256": [hashlib.sha256(image(0)).hexdigest()], "class": ["a"],
            "split": ["test"], "status": ["ok"]}},
    ])  # fmt: skip
    app = open_page("history", view="Reviewed images")
    assert "1 image" in words(app)
    assert "1 reviewed reading of a kept image is left out: models are judged by the image, in heldout" in words(app)
    app.button(key="gather").click().run()
    assert "left out" in app.success[0].value
    (folder,) = (home / "gathered").iterdir()
    assert [path.parent.name for path in folder.rglob("*.png")] == ["monocyte"]

"""Readings in a real browser: one image read and reviewed, a batch with a broken file, and both on the page History."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core import jobs
from core.data.importing import import_data
from core.data.sample import make_sample
from core.prediction.fitting import fit
from tests.browser.clicks import at_rest, press
from tests.browser.conftest import Server, Watched
from tests.core.evaluation.elsewhere import finished_search


def calibrated_model(home: Path) -> tuple[str, list[Path]]:
    """A search with a calibrated model, and files of its test images."""
    make_sample(home.parent / "cells", per_class=20, size=40, seed=0)
    fractions = {"train": 0.3, "calibration": 0.5, "val": 0.1, "test": 0.1}
    dataset = import_data(home, home.parent / "cells", fractions=fractions)
    search_id = finished_search(home, dataset)
    trial_id = f"{search_id}.final-1"
    with jobs.running(home, "calibration", trial_id) as job:
        fit(home, trial_id, job)
    return search_id, [dataset.root / image.path for image in dataset.usable if image.split == "test"]


@pytest.mark.timeout(600)
def test_read_review_and_find_again(server: Server, watched: Watched, tmp_path: Path):
    search_id, files = calibrated_model(server.home)
    watched.open(f"{server.url}/predict?search={search_id}")
    page = watched.page
    decision = page.locator(".st-key-decision h2")
    expect(decision).to_be_visible()
    expect(page.get_by_text("Not a medical device", exact=False).first).to_be_visible()
    press(page.get_by_role("tab", name="Record and review"), page.get_by_text("On record as r-", exact=False))
    review = page.get_by_test_id("stMain").get_by_text("Review: referred", exact=False)
    press(page.get_by_role("button", name="Refer", exact=True), review)

    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:100])
    watched.open(f"{server.url}/batch?search={search_id}")
    page.locator("input[type=file]").first.set_input_files([files[0], files[1], broken])
    at_rest(page)
    page.get_by_role("button", name="Read them").click()
    expect(page.get_by_text("2 read, 1 refused", exact=False)).to_be_visible()
    expect(page.get_by_role("heading", name="Differential count")).to_be_visible()
    refused = page.get_by_role("alert").filter(has_text="broken.png is a truncated PNG")  # the table is a canvas
    press(page.get_by_role("radio", name="Files refused"), refused)

    watched.open(f"{server.url}/history")
    expect(page.get_by_text(re.compile(r"Readings 1 to 3 of 3\b"))).to_be_visible()
    watched.open(f"{server.url}/history?through=batch")
    expect(page.get_by_text(re.compile(r"Readings 1 to 2 of 2\b"))).to_be_visible()

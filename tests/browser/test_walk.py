"""One walk through the whole application with a real search on sample cells: it trains, so it takes minutes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clicks import press
from tests.browser.conftest import Server, Watched

MINUTES = 60_000


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_role("dialog").get_by_label(label, exact=True).first
    box.fill(value)
    box.press("Enter")


@pytest.mark.timeout(1200)
def test_launch_watch_stop_resume_evaluate_predict(server: Server, watched: Watched):
    watched.open(server.url)
    page = watched.page

    page.get_by_role("button", name="New search").click()
    for group in ("Search space and stop", "Images and split", "Model and optimiser", "Final training", "Machine"):
        page.get_by_role("dialog").get_by_text(group, exact=True).click()
    fill(page, "Name", "Walk")
    fill(page, "Epochs, start", "4")
    fill(page, "Most trials", "1")
    fill(page, "Images a class", "12")
    fill(page, "Initial weights", "none")
    fill(page, "Final trainings", "1")
    fill(page, "Threads a trial", "1")
    page.get_by_role("dialog").get_by_role("button", name="Launch").click()

    expect(page).to_have_url(re.compile(r"/search\?search=s-"))
    page.evaluate("window.stillTheSame = true")
    expect(page.get_by_text("trial 1, epoch 1 of 4")).to_be_visible(timeout=5 * MINUTES)
    expect(page.get_by_text("trial 1, epoch 2 of 4")).to_be_visible(timeout=2 * MINUTES)

    page.get_by_role("button", name="Actions").click()
    page.get_by_text("Stop after this epoch").click()
    expect(page.get_by_text("Stopped; it can be resumed")).to_be_visible(timeout=1 * MINUTES)

    page.get_by_role("button", name="Actions").click()
    page.get_by_text("Resume", exact=True).click()
    expect(page.get_by_text("Why it ended: the limit of 1 trial is reached.")).to_be_visible(timeout=8 * MINUTES)
    assert page.evaluate("window.stillTheSame") is True

    page.get_by_test_id("stMain").get_by_role("link", name="Evaluate").click()
    expect(page.get_by_text("The search's model.")).to_be_visible()
    expect(page.get_by_text("macro specificity", exact=False).first).to_be_visible()

    predict = page.get_by_role("menuitem", name="Predict", exact=True)  # in the menu of a section of the navigation
    press(page.get_by_role("banner").get_by_role("button", name="Reading"), predict)
    predict.click()
    expect(page.locator(".st-key-decision")).to_be_visible(timeout=1 * MINUTES)
    expect(page.get_by_text("Labelled ")).to_have_count(0)  # a review comes before the answer
    page.get_by_text("Show its label").click()
    expect(page.get_by_text("Labelled ")).to_be_visible()
